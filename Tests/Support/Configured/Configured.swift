import BotHost
import Foundation

/// The configuration that a host hands to a bundled plugin, for tests of plugins without a host.
public enum Configured {
  /// What the manifest refuses.
  public struct Refusal: Error, CustomStringConvertible { public let description: String }

  /// Applies the plugin's manifest to `json`, the object that an operator would write: defaults are filled in and everything is checked.
  /// A value `{"$secret": …}` stands for a secret that was given.
  public static func json(_ json: String, of plugin: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let directory = PluginDirectory.load(
      [root.appendingPathComponent("manifests").path], checksLibraries: false)
    guard let manifest = directory.plugin(plugin)?.manifest else {
      throw Refusal(description: "there is no manifest of \(plugin)")
    }
    guard let object = try JSONValue(parsing: json).object else { throw Refusal(description: "no object: \(json)") }
    var overrides = ConfigurationOverrides()
    for (key, value) in object {
      let isSecret = value["$secret"] != nil
      overrides.entries.append(.init(key, isSecret ? .secret(Secret("the value of \(key)")) : .json(value)))
    }
    var diagnostics = Diagnostics()
    let resolved = manifest.resolveConfiguration(
      overrides: overrides, environment: Environment([:]), diagnostics: &diagnostics)
    guard let resolved else {
      throw Refusal(description: diagnostics.errors.map(\.description).joined(separator: "\n"))
    }
    return resolved.json.serialized()
  }
}
