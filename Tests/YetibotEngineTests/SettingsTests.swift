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
      OriginalSettings.find(in: [
        "YB_COMMAND_PREFIX": ",", "YB_COMMAND_FALLBACK_ENABLED": "false", "YB_COMMAND_BLACKLIST_0": "^e",
        "YB_ADMIN_USERS_0": "U1", "YB_DEFAULT_COMMAND": "echo", "YB_KARMA_EMOJI_POSITIVE": ":up:", "YB_URL": "http://x",
        "YB_PLUGINS_K_ARTIFACT": "yetibot-kroki.commands", "YB_PLUGINS_K_VERSION": "1",
      ]))
    var configuration = Configuration()
    try settings.apply(to: &configuration)
    #expect(configuration.prefix == ",")
    #expect(!configuration.isFallbackEnabled)
    #expect(!configuration.filter.admits("echo") && configuration.filter.admits("list"))
    #expect(configuration.adminUsers == ["U1"])
    #expect(configuration.defaultCommand == "echo")
    #expect(configuration.positiveKarma == ":up:")
    #expect(configuration.url == "http://x")
    #expect(settings.warnings.count == 1 && settings.warnings[0].contains("cannot run here"))
    #expect(OriginalSettings.find(in: ["YB_URL": "x", "YETIBOT_ENV_CONFIG_DISABLED": "1"]) == nil)
    #expect(OriginalSettings.find(in: ["HOME": "x"]) == nil)
    // A file, and over it the environment. What has no place here is named, and never shown.
    var both = try #require(
      OriginalSettings.find(in: ["CONFIG_PATH": "/bot.edn", "YB_URL": "http://env"]) { path in
        path == "/bot.edn"
          ? #"{:yetibot {:url "http://file", :command {:prefix "?"}, :ssh {:groups [{:key "hush"}]}, :log {:level "info"}}}"#
          : nil
      })
    try both.apply(to: &configuration)
    #expect(configuration.url == "http://env" && configuration.prefix == "?")
    #expect(both.warnings == ["ssh.groups has no place here", "log.level has no place here"])
    let broken = try #require(OriginalSettings.find(in: [:]) { _ in "{:a" })
    #expect(broken.warnings.first?.hasPrefix("config/config.edn: not EDN at character") == true)
    var wrong = OriginalSettings(ConfigurationTree(["command": ["prefix": "ab"]]))
    #expect(throws: Raised.self) { try wrong.apply(to: &configuration) }
    var lists = OriginalSettings(ConfigurationTree(["command": ["whitelist": ["a"], "blacklist": ["b"]]]))
    #expect(throws: Raised.self) { try lists.apply(to: &configuration) }
  }
}
