/// What an operator sets for the plugins of one host: a file with `kind: host`.
///
///     bothost: 1
///     kind: host
///     plugins:
///       twitch: {config: {username: taco, token: "${TWITCH_TOKEN}"}}
///     instances:
///       second: {plugin: twitch, config: {username: burrito}}
public struct HostConfiguration: Sendable {
  public var location: SourceLocation
  public var instances: [InstanceConfiguration]

  public init(location: SourceLocation, instances: [InstanceConfiguration] = []) {
    self.location = location
    self.instances = instances
  }

  /// What is said of the instance of that name.
  public func instance(_ name: String) -> InstanceConfiguration? { instances.first { $0.name == name } }
}

/// One instance as the operator wants it. What is nil stays as the manifest says.
public struct InstanceConfiguration: Sendable {
  public var name: String
  public var plugin: String
  /// Over the manifest's defaults.
  public var config: ConfigurationOverrides
  public var isolation: Isolation?
  public var start: StartMode?
  public var location: SourceLocation
  private var laneNode: YAMLNode?
  private var restartNode: YAMLNode?

  init(name: String, plugin: String, reader: ManifestReader, location: SourceLocation) {
    self.name = name
    self.plugin = plugin
    self.location = location
    config = ConfigurationOverrides(reader.node("config"))
    isolation = reader.choice("isolation")
    start = reader.choice("start")
    laneNode = reader.node("lane")
    restartNode = reader.node("restart")
  }

  /// The manifest's lane with the keys that the operator gave.
  public func lane(over manifest: LanePolicy) -> LanePolicy { ManifestDecoder.lane(laneNode, over: manifest) }

  /// The manifest's restart policy with the keys that the operator gave.
  public func restart(over manifest: RestartPolicy) -> RestartPolicy {
    ManifestDecoder.restart(restartNode, over: manifest)
  }
}

extension HostConfiguration {
  /// Decodes and checks the document of a host's configuration.
  public static func decode(_ document: YAMLNode, diagnostics: inout Diagnostics) -> HostConfiguration? {
    var checker = ShapeChecker()
    checker.check(document, .object(HostConfigurationShape.root), "")
    diagnostics.append(contentsOf: checker.diagnostics)
    guard document.mapping != nil else { return nil }
    let root = ManifestReader(document, HostConfigurationShape.root)
    var configuration = HostConfiguration(location: document.location)
    for member in root.members("plugins") where NameRules.nameProblem(member.key) == nil {
      let reader = ManifestReader(member.value, HostConfigurationShape.plugin)
      configuration.instances.append(
        InstanceConfiguration(
          name: member.key, plugin: member.key, reader: reader, location: member.keyLocation))
    }
    for member in root.members("instances") where NameRules.instanceProblem(member.key) == nil {
      let reader = ManifestReader(member.value, HostConfigurationShape.instance)
      guard let plugin = reader.text("plugin") else { continue }
      if let other = configuration.instance(member.key) {
        diagnostics.error(
          "the instance '\(member.key)' is configured in line \(other.location.line) already", at: member.keyLocation,
          hint: "an instance needs a name of its own")
        continue
      }
      configuration.instances.append(
        InstanceConfiguration(name: member.key, plugin: plugin, reader: reader, location: member.keyLocation))
    }
    return configuration
  }

  /// Reports instances of plugins that are not there, and instances with the name of another plugin.
  public func check(against manifests: [Manifest], diagnostics: inout Diagnostics) {
    let names = manifests.map(\.plugin)
    for instance in instances {
      guard let manifest = manifests.first(where: { $0.plugin == instance.plugin }) else {
        diagnostics.error(
          "there is no plugin '\(instance.plugin)'", at: instance.location,
          hint: Suggestion.hint(for: instance.plugin, in: names))
        continue
      }
      if instance.name != instance.plugin, names.contains(instance.name) {
        diagnostics.error(
          "the instance '\(instance.name)' has the name of another plugin", at: instance.location)
      }
      if instance.isolation == .process, instance.lane(over: manifest.lane).isInline {
        diagnostics.error(
          "the instance '\(instance.name)' runs in a worker process, which cannot handle events inline",
          at: instance.location)
      }
    }
  }
}

/// The shape of a host's configuration file.
enum HostConfigurationShape {
  static let root = ObjectShape(
    name: "host", summary: "Sets up the plugins of one host.",
    keys: [
      KeyShape("bothost", .integer(1...1), required: true, "The version of this format: 1."),
      KeyShape("kind", .choice(["host"]), required: true, "What this file is: host."),
      KeyShape(
        "plugins", .map(key: .name, value: .object(plugin), keyWord: "plugin"),
        "The first instance of each plugin, by the plugin's name."),
      KeyShape(
        "instances", .map(key: .instance, value: .object(instance), keyWord: "instance"),
        "Further instances, by names of their own."),
    ])

  private static let common: [KeyShape] = [
    KeyShape(
      "config", .map(key: .name, value: .any, keyWord: "key"),
      "Configuration; ${NAME} and ${NAME:-default} take from the environment."),
    KeyShape("lane", .object(ManifestShape.lane), "The queue before it, instead of the manifest's."),
    KeyShape("restart", .object(ManifestShape.restart), "When it is started again, instead of the manifest's."),
    KeyShape("isolation", .choice(Isolation.allCases.map(\.rawValue)), "Where it runs, instead of the manifest's."),
    KeyShape("start", .choice(StartMode.allCases.map(\.rawValue)), "When it starts, instead of the manifest's."),
  ]

  static let plugin = ObjectShape(name: "plugin", summary: "The first instance of a plugin.", keys: common)

  static let instance = ObjectShape(
    name: "instance", summary: "A further instance of a plugin.",
    keys: [KeyShape("plugin", .text(.name), required: true, "The plugin's name.")] + common)
}
