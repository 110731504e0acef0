import BotPluginKit
import Foundation
import YetibotEngine

/// The manifest's `config`. The host applies the manifest's defaults; those here are the same.
struct Settings: Decodable, Sendable {
  var prefix = "!"
  var listen = true
  var embedded = true
  var fallback = true
  var defaultCommand = "help"
  var fallbackHelp = ""
  var allow: [String] = []
  var deny: [String] = []
  var adminUsers: [String] = []
  var adminRoles: [String] = []
  var adminCommands: [String] = []
  /// `command: role, role`
  var commandRoles: [String] = []
  var environment = false
  var history = "kept"
  var historyRows = 1_000_000
  var utcOffset = 0
  var url = ""
  /// Nanoseconds.
  var timeout: Int64 = 5_000_000_000
  var commands = 2000
  var original = false
  var extern = Extern.all
  var reply = Reply.thread

  /// Which commands are offered to the plugins that hook them.
  enum Extern: String, Decodable, Sendable {
    /// What their manifests match; and all commands, to those that match none in particular.
    case all
    /// The same, but only unknown commands to those that match none in particular.
    case unknown
    case none
  }

  /// Which answers name the message that they answer.
  enum Reply: String, Decodable, Sendable {
    case never
    /// Those to messages that are answers themselves.
    case thread
    case always
  }

  private enum CodingKeys: String, CodingKey {
    case prefix, listen, embedded, fallback, allow, deny, history, url, timeout, commands, original, extern, reply
    case defaultCommand = "default_command"
    case historyRows = "history_rows"
    case fallbackHelp = "fallback_help"
    case adminUsers = "admin_users"
    case adminRoles = "admin_roles"
    case adminCommands = "admin_commands"
    case commandRoles = "command_roles"
    case environment
    case utcOffset = "utc_offset"
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func take<Value: Decodable>(_ key: CodingKeys, _ standard: Value) throws -> Value {
      try values.decodeIfPresent(Value.self, forKey: key) ?? standard
    }
    prefix = try take(.prefix, prefix)
    listen = try take(.listen, listen)
    embedded = try take(.embedded, embedded)
    fallback = try take(.fallback, fallback)
    defaultCommand = try take(.defaultCommand, defaultCommand)
    fallbackHelp = try take(.fallbackHelp, fallbackHelp)
    allow = try take(.allow, allow)
    deny = try take(.deny, deny)
    adminUsers = try take(.adminUsers, adminUsers)
    adminRoles = try take(.adminRoles, adminRoles)
    adminCommands = try take(.adminCommands, adminCommands)
    commandRoles = try take(.commandRoles, commandRoles)
    environment = try take(.environment, environment)
    history = try take(.history, history)
    historyRows = try take(.historyRows, historyRows)
    utcOffset = try take(.utcOffset, utcOffset)
    url = try take(.url, url)
    timeout = try take(.timeout, timeout)
    commands = try take(.commands, commands)
    original = try take(.original, original)
    extern = try take(.extern, extern)
    reply = try take(.reply, reply)
  }

  /// Where what is said is remembered.
  var historySetting: HistorySetting { history == "kept" ? .kept(rows: historyRows == 0 ? nil : historyRows) : .memory }

  /// Whether an evaluator that was started with other settings does for these.
  func isForSameEvaluator(as other: Settings) -> Bool {
    history == other.history && historyRows == other.historyRows && extern == other.extern && reply == other.reply
  }

  /// The engine's configuration, and what of the environment's settings is not used. Throws for what cannot be used.
  func engine() throws -> (configuration: Configuration, warnings: [String]) {
    guard let mark = prefix.first, prefix.count == 1, mark.isPunctuation || mark.isSymbol else {
      throw PluginError.invalid("prefix is \"\(prefix)\", and must be one punctuation character")
    }
    var configuration = original ? Configuration.original : Configuration()
    configuration.prefix = mark
    configuration.runsEmbedded = embedded
    configuration.isFallbackEnabled = fallback
    configuration.defaultCommand = defaultCommand
    configuration.fallbackHelp = fallbackHelp.isEmpty ? nil : fallbackHelp
    do { try configuration.setLists(allowed: allow, denied: deny) } catch {
      throw PluginError.invalid("allow and deny: \(error)")
    }
    configuration.commandRoles = try roles()
    configuration.adminUsers = Set(adminUsers)
    configuration.adminRoles = Set(adminRoles)
    configuration.adminCommands = Set(adminCommands)
    configuration.recordsHistory = history != "off"
    configuration.utcOffset = Int64(utcOffset) * 60
    configuration.url = url.isEmpty ? nil : url
    configuration.limits.milliseconds = max(timeout / 1_000_000, 1)
    configuration.limits.commands = commands
    guard environment, var original = OriginalSettings.inEnvironment(Self.processEnvironment) else {
      return (configuration, [])
    }
    do { try original.apply(to: &configuration) } catch {
      throw PluginError.invalid("the environment: \(error)")
    }
    return (configuration, original.warnings)
  }

  /// The roles of each command that is not for all.
  private func roles() throws -> [String: Set<String>] {
    var all: [String: Set<String>] = [:]
    for line in commandRoles {
      let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
      let names = parts.count == 2 ? parts[1].split { $0 == "," || $0 == " " }.map(String.init) : []
      guard let command = parts.first?.split(separator: " ").first, !names.isEmpty else {
        throw PluginError.invalid("command_roles has \"\(line)\", and must have \"command: role, role\"")
      }
      all[String(command), default: []].formUnion(names)
    }
    return all
  }

  private static var processEnvironment: [String: String] {
    ProcessInfo.processInfo.environment.filter { name, _ in name.utf8.count < 256 }
  }
}

/// Where what is said is remembered.
enum HistorySetting: Sendable {
  case memory
  /// In a file; nil: without an end.
  case kept(rows: Int?)
}
