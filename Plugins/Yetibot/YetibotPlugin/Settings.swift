import BotPluginKit
import Foundation
import YetibotEngine

/// The manifest's `config`.
struct Settings: ManifestConfiguration {
  let prefix: String
  let listen: Bool
  let embedded: Bool
  let fallback: Bool
  let defaultCommand: String
  let fallbackHelp: String
  let allow: [String]
  let deny: [String]
  let adminUsers: [String]
  let adminRoles: [String]
  let adminCommands: [String]
  /// `command: role, role`
  let commandRoles: [String]
  let environment: Bool
  let history: History
  let historyRows: Int
  let utcOffset: Int
  let url: String
  /// Nanoseconds.
  let timeout: Int64
  let commands: Int
  let original: Bool
  /// Nanoseconds; 0: never.
  let softTimeout: Int64
  let karmaPositive: String
  let karmaNegative: String
  let extern: Extern
  let reply: Reply

  /// Whether what is said is remembered.
  enum History: String, Decodable, Sendable {
    case memory, kept, off
  }

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

  /// Where what is said is remembered.
  var historySetting: HistorySetting { history == .kept ? .kept(rows: historyRows == 0 ? nil : historyRows) : .memory }

  /// Whether an evaluator that was started with other settings does for these.
  func isForSameEvaluator(as other: Settings) -> Bool {
    history == other.history && historyRows == other.historyRows && extern == other.extern && reply == other.reply
      && softTimeout == other.softTimeout
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
    do { configuration.filter = try CommandFilter(allowed: allow, denied: deny) } catch {
      throw PluginError.invalid("allow and deny: \(error)")
    }
    configuration.commandRoles = try roles()
    configuration.adminUsers = Set(adminUsers)
    configuration.adminRoles = Set(adminRoles)
    configuration.adminCommands = Set(adminCommands)
    configuration.positiveKarma = karmaPositive
    configuration.negativeKarma = karmaNegative
    configuration.recordsHistory = history != .off
    configuration.utcOffset = Int64(utcOffset) * 60
    configuration.url = url.isEmpty ? nil : url
    configuration.limits.milliseconds = max(timeout / 1_000_000, 1)
    configuration.limits.commands = commands
    guard environment, var original = OriginalSettings.find(in: Self.processEnvironment, read: Self.read) else {
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

  private static let longestFile = 1 << 20

  /// The text of a file; nil for one that there is not.
  private static func read(_ path: String) throws -> String? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    let bytes = try file.read(upToCount: longestFile + 1) ?? Data()
    guard bytes.count <= longestFile else { throw PluginError.invalid("more than \(longestFile) bytes") }
    return String(decoding: bytes, as: UTF8.self)
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
