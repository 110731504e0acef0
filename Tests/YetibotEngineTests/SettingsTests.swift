import Testing

@testable import YetibotEngine

@Suite struct SettingsTests {
  @Test func anEnvironmentIsNested() {
    let tree = ConfigurationTree.exploded([
      "YB_A_B": "1", "YETIBOT_A_C": "2", "YB_L_10": "last", "YB_L_2": "second", "YB_X": "x", "PATH": "no", "YB_": "no",
    ])
    #expect(tree.root == ["a": ["b": "1", "c": "2"], "l": ["second", "last"], "x": "x"])
    #expect(ConfigurationTree.exploded(["BOT_URL": "u", "YB_URL": "no"], prefix: "BOT").root == ["url": "u"])
    // The long prefix wins.
    #expect(ConfigurationTree.exploded(["YETIBOT_URL": "long", "YB_URL": "short"]).root == ["url": "long"])
  }

  @Test func lookUpsKnowShapes() {
    let tree = ConfigurationTree(["a": ["b": "x", "blank": " ", "list": ["x"], "map": ["artifact": "z"]]])
    #expect(tree.look(up: ["a", "b"], as: .text) == .value("x"))
    #expect(tree.look(up: ["a", "nope"], as: .text) == .notFound)
    #expect(
      tree.look(up: ["a", "blank"], as: .notBlankText) == .invalid("a.blank: a text that is not blank was expected"))
    #expect(tree.look(up: ["a", "list"], as: .texts) == .value(["x"]))
    #expect(tree.look(up: ["a"], as: .texts) == .invalid("a: a list of texts was expected"))
    #expect(tree.look(up: ["a", "map"], as: .map(["artifact", "version"])) == .invalid("a.map: version is missing"))
    #expect(tree.overlaid(with: ConfigurationTree(["a": ["b": "y"]])).look(up: ["a", "b"], as: .text) == .value("y"))
  }

  @Test func settingsOfTheOriginalAreTakenOver() throws {
    var settings = try #require(
      OriginalSettings.inEnvironment([
        "YB_COMMAND_PREFIX": ",", "YB_COMMAND_FALLBACK_ENABLED": "false", "YB_COMMAND_BLACKLIST_0": "^e",
        "YB_ADMIN_USERS_0": "U1", "YB_DEFAULT_COMMAND": "echo", "YB_KARMA_EMOJI_POSITIVE": ":up:", "YB_URL": "http://x",
        "YB_PLUGINS_K_ARTIFACT": "yetibot-kroki.commands", "YB_PLUGINS_K_VERSION": "1",
      ]))
    var configuration = Configuration()
    try settings.apply(to: &configuration)
    #expect(configuration.prefix == ",")
    #expect(!configuration.isFallbackEnabled)
    #expect(configuration.deniedCommands.count == 1)
    #expect(configuration.adminUsers == ["U1"])
    #expect(configuration.defaultCommand == "echo")
    #expect(configuration.positiveKarma == ":up:")
    #expect(configuration.url == "http://x")
    #expect(settings.warnings.count == 1 && settings.warnings[0].contains("cannot run here"))
    #expect(OriginalSettings.inEnvironment(["YB_URL": "x", "YETIBOT_ENV_CONFIG_DISABLED": "1"]) == nil)
    #expect(OriginalSettings.inEnvironment(["HOME": "x"]) == nil)
    var wrong = OriginalSettings(ConfigurationTree(["command": ["prefix": "ab"]]))
    #expect(throws: Raised.self) { try wrong.apply(to: &configuration) }
    var both = OriginalSettings(ConfigurationTree(["command": ["whitelist": ["a"], "blacklist": ["b"]]]))
    #expect(throws: Raised.self) { try both.apply(to: &configuration) }
  }
}
