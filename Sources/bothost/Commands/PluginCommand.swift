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
      let hint = Suggestion.hint(for: name, in: declared.map(\.name)).map { "; \($0)" } ?? ""
      throw UsageError(
        declared.isEmpty
          ? "there is no command '\(plugin)', and no plugin of that name adds one; see bothost --help"
          : "the plugin \(plugin) has no command '\(name)'\(hint)")
    }
    let argument = try command.argument(Array(rest.dropFirst(2)))
    let method = "\(plugin).\(command.method)"
    let caller: any MethodCaller =
      oneShot ? try OneShotCaller(arguments, method: method) : LiveCaller(client: try Control.client(arguments))
    defer { caller.finish() }
    do {
      let result = try caller.call(method, argument, 0)
      if let text = result.string { Output.line(text) } else if !result.isNull { Output.line(result.serialized()) }
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
