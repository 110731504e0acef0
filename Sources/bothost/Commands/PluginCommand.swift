import BotHost

/// A subcommand that a plugin's manifest adds: `bothost twitch say kitchen hello`.
enum PluginCommand {
  static func run(_ words: [String]) throws {
    // The words that are the program's own are taken out; the rest is the method's argument.
    let shared = [SharedOptions.control, SharedOptions.plugins, SharedOptions.config, SharedOptions.data]
    var own: [String] = []
    var rest: [String] = []
    var index = 0
    while index < words.count {
      let word = words[index]
      if let option = shared.first(where: { word == "--\($0.name)" || word.hasPrefix("--\($0.name)=") }) {
        own.append(word)
        if word == "--\(option.name)", index + 1 < words.count {
          index += 1
          own.append(words[index])
        }
      } else {
        rest.append(word)
      }
      index += 1
    }
    let arguments = try ArgumentParser(options: shared).parse(own)
    let (plugin, name) = (rest[0], rest[1])
    let oneShot = !arguments.values("plugins").isEmpty
    let declared = try oneShot ? fromManifests(arguments, plugin) : fromHost(arguments, plugin)
    guard let command = declared.first(where: { $0.name == name }) else {
      guard !declared.isEmpty else {
        let question = Suggestion.question(about: plugin, in: Commands.all.map { $0.name })
        let place =
          oneShot
          ? "no plugin of that name adds one"
          : "no such plugin of the host that runs adds one; --plugins DIR looks at the manifests there"
        throw UsageError("there is no command '\(plugin)', and \(place); \(question ?? "see bothost --help")")
      }
      let hint = Suggestion.hint(for: name, in: declared.map(\.name)).map { "; \($0)" } ?? ""
      throw UsageError(
        "the plugin \(plugin) has no command '\(name)'\(hint)")
    }
    var words = Array(rest.dropFirst(2))
    var printer = ResultPrinter(command: command)
    if !command.hasOption("json"), let flag = words.firstIndex(of: "--json") {
      words.remove(at: flag)
      printer.asJSON = true
    }
    let argument = try command.argument(words)
    let methods = PluginMethods(arguments, plugin: plugin, oneShot: oneShot)
    if let interactive = command.interactive {
      try InteractiveSession(
        plugin: plugin, command: command, interactive: interactive, base: argument, printer: printer
      )
      .run(methods)
      return
    }
    let caller = try methods.caller(command.method)
    defer { caller.finish() }
    do {
      try printer.print(try caller.call("\(plugin).\(command.method)", argument, 0))
    } catch let failure as MethodFailure {
      throw CommandFailure(failure.description, code: failure.isUsage ? 2 : 1)
    }
  }

  private static func fromHost(_ arguments: ArgumentParser.Arguments, _ plugin: String) throws -> [PluginCommandSyntax]
  {
    var request = JSONObject()
    request["plugin"] = .string(plugin)
    let answer = try Control.request("commands", .object(request), try Control.client(arguments))
    return (answer["commands"]?.array ?? []).compactMap(PluginCommandSyntax.init(json:))
  }

  private static func fromManifests(_ arguments: ArgumentParser.Arguments, _ plugin: String) throws
    -> [PluginCommandSyntax]
  {
    let catalog = PluginCatalog(directories: arguments.values("plugins").map(Control.absolute))
    return catalog.source(of: plugin)?.manifest.commands.map {
      PluginCommandSyntax($0, $0.method, manifest: catalog.source(of: plugin)?.manifest)
    } ?? []
  }
}

/// Where a plugin's methods are called: in the running host, or in one that is made for it.
struct PluginMethods {
  let arguments: ArgumentParser.Arguments
  let plugin: String
  let oneShot: Bool

  init(_ arguments: ArgumentParser.Arguments, plugin: String, oneShot: Bool) {
    self.arguments = arguments
    self.plugin = plugin
    self.oneShot = oneShot
  }

  func caller(_ method: String) throws -> any MethodCaller {
    oneShot
      ? try OneShotCaller(arguments, method: "\(plugin).\(method)") : LiveCaller(client: try Control.client(arguments))
  }
}

/// Prints what a plugin's command answers, as its manifest says.
struct ResultPrinter {
  let command: PluginCommandSyntax
  var asJSON = false

  /// - Throws: ``CommandFailure`` when the result says that the work has failed.
  func print(_ result: JSONValue) throws {
    if asJSON {
      Output.line(result.serialized())
    } else {
      for line in command.lines(of: result) { Output.line(line) }
    }
    if let pointer = command.error, let text = result.value(at: pointer)?.string {
      throw CommandFailure(asJSON ? "" : text)
    }
  }
}
