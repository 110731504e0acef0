// swift-tools-version: 6.0
import PackageDescription

/// A plugin's image is opened beside an older build of itself: it must prefer its own symbols to those of an image that is mapped already.
let pluginLinking: [LinkerSetting] = [.unsafeFlags(["-Xlinker", "-Bsymbolic", "-Xlinker", "-z", "-Xlinker", "now"])]

/// One module map for each C library that Debian packages.
func system(_ name: String, _ pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Sources/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// A folder of tests for one folder of the host.
func hostTests(_ folder: String) -> Target {
  .testTarget(name: "\(folder)Tests", dependencies: ["BotHost"])
}

let package = Package(
  name: "bothost",
  products: [
    .executable(name: "bothost", targets: ["bothost"]),
    .library(name: "BotHost", targets: ["BotHost"]),
    .library(name: "BotPluginKit", targets: ["BotPluginKit"]),
    .library(name: "Twitch", type: .dynamic, targets: ["TwitchEntry"]),
    .library(name: "Kafka", type: .dynamic, targets: ["KafkaEntry"]),
    .library(name: "Yetibot", type: .dynamic, targets: ["YetibotPlugin"]),
    .library(name: "YetibotPack", type: .dynamic, targets: ["YetibotPackPlugin"]),
    .library(name: "PullRequestUpdater", type: .dynamic, targets: ["PullRequestUpdaterPlugin"]),
    .library(name: "WordCountSwift", type: .dynamic, targets: ["WordCountSwift"]),
    .library(name: "WordCountC", type: .dynamic, targets: ["WordCountC"]),
    .library(name: "TacoSwift", type: .dynamic, targets: ["TacoSwift"]),
  ],
  targets: [
    // What Swift's Glibc module leaves out of the kernel's interface.
    .systemLibrary(name: "CLinux", path: "Sources/CLinux"),
    system("CYAML", "yaml-0.1", apt: "libyaml-dev"),
    system("CFFI", "libffi", apt: "libffi-dev"),
    system("COpenSSL", "openssl", apt: "libssl-dev"),
    system("CSQLite", "sqlite3", apt: "libsqlite3-dev"),
    system("CELF", "libelf", apt: "libelf-dev"),
    system("CEdit", "libedit", apt: "libedit-dev"),
    system("CCurl", "libcurl", apt: "libcurl4-openssl-dev"),
    system("CRDKafka", "rdkafka", apt: "librdkafka-dev"),
    .target(name: "CBotHost"),
    // What may be connected to: the host's permissions and plugins' settings say it in the same way.
    .target(name: "HostPatterns"),
    .target(name: "CJSON", linkerSettings: [.linkedLibrary("simdjson")]),
    .target(
      name: "BotHost",
      dependencies: ["CBotHost", "HostPatterns", "CJSON", "CLinux", "CYAML", "CFFI", "COpenSSL", "CSQLite", "CELF"]),
    .target(name: "BotPluginKit", dependencies: ["CBotHost"]),
    // For plugins that ask others on the web: a library of its own, which knows neither the host nor the kit.
    .target(name: "HTTPClient", dependencies: ["HostPatterns", "CCurl"]),
    .target(name: "CGumbo", linkerSettings: [.linkedLibrary("gumbo")]),
    .target(name: "HTMLTree", dependencies: ["CGumbo"]),
    .executableTarget(name: "bothost", dependencies: ["BotHost", "CEdit", "CLinux"]),

    .target(name: "TwitchChat", path: "Plugins/Twitch/TwitchChat"),
    .target(
      name: "TwitchPlugin", dependencies: ["TwitchChat", "BotPluginKit", "HTTPClient"],
      path: "Plugins/Twitch/TwitchPlugin"),
    .target(
      name: "TwitchEntry", dependencies: ["TwitchPlugin"], path: "Plugins/Twitch/TwitchEntry",
      linkerSettings: pluginLinking),
    .target(name: "KafkaLog", path: "Plugins/Kafka/KafkaLog"),
    .target(
      name: "KafkaClient", dependencies: ["KafkaLog", "BotPluginKit", "CRDKafka"], path: "Plugins/Kafka/KafkaClient"),
    .target(
      name: "KafkaPlugin", dependencies: ["KafkaLog", "KafkaClient", "BotPluginKit"], path: "Plugins/Kafka/KafkaPlugin"),
    .target(
      name: "KafkaEntry", dependencies: ["KafkaPlugin"], path: "Plugins/Kafka/KafkaEntry", linkerSettings: pluginLinking
    ),
    .target(name: "YetibotEngine", dependencies: ["COpenSSL"], path: "Plugins/Yetibot/YetibotEngine"),
    .target(name: "YetibotStore", dependencies: ["YetibotEngine", "CSQLite"], path: "Plugins/Yetibot/YetibotStore"),
    .target(
      name: "YetibotPlugin", dependencies: ["YetibotEngine", "YetibotStore", "BotPluginKit"],
      path: "Plugins/Yetibot/YetibotPlugin",
      linkerSettings: pluginLinking),
    .target(
      name: "YetibotServices", dependencies: ["YetibotEngine", "HTTPClient", "HTMLTree"],
      path: "Plugins/YetibotPack/YetibotServices"),
    .target(
      name: "YetibotPackPlugin",
      dependencies: ["YetibotServices", "YetibotEngine", "HTTPClient", "HostPatterns", "BotPluginKit", "CLinux"],
      path: "Plugins/YetibotPack/YetibotPackPlugin",
      linkerSettings: pluginLinking),
    .target(
      name: "UpdaterRules", dependencies: ["HTMLTree"], path: "Plugins/PullRequestUpdater/UpdaterRules"),
    .target(
      name: "UpdaterGitHub", dependencies: ["HTTPClient", "COpenSSL", "CYAML"],
      path: "Plugins/PullRequestUpdater/UpdaterGitHub"),
    .target(
      name: "UpdaterJobs", dependencies: ["UpdaterRules", "UpdaterGitHub", "HTTPClient"],
      path: "Plugins/PullRequestUpdater/UpdaterJobs"),
    .target(
      name: "PullRequestUpdaterPlugin",
      dependencies: ["UpdaterJobs", "UpdaterGitHub", "UpdaterRules", "HTTPClient", "BotPluginKit"],
      path: "Plugins/PullRequestUpdater/PullRequestUpdaterPlugin", linkerSettings: pluginLinking),
    .target(
      name: "WordCountSwift", dependencies: ["BotPluginKit"], path: "Plugins/Examples/swift/Sources",
      linkerSettings: pluginLinking),
    .target(
      name: "WordCountC", dependencies: ["CBotHost"], path: "Plugins/Examples/c/Sources",
      // Swift's start-up file would register the image with its runtime, and so keep it from ever being unmapped.
      linkerSettings: pluginLinking + [.unsafeFlags(["-nostartfiles"])]),

    .target(name: "Configured", dependencies: ["BotHost"], path: "Tests/Support/Configured"),
    .target(name: "ReservedPort", path: "Tests/Support/ReservedPort"),
    .target(name: "SeededRandom", path: "Tests/Support/SeededRandom"),
    .target(name: "TestCertificates", dependencies: ["COpenSSL"], path: "Tests/Support/TestCertificates"),
    .executableTarget(
      name: "twitch-simulator", dependencies: ["COpenSSL", "TestCertificates"], path: "Tests/Support/TwitchSimulator"),
    .target(
      name: "WebSimulator", dependencies: ["COpenSSL", "TestCertificates"], path: "Tests/Support/WebSimulator"),
    .executableTarget(
      name: "web-simulator", dependencies: ["WebSimulator"], path: "Tests/Support/WebSimulatorProgram"),
    .target(
      name: "GitHubSimulator", dependencies: ["WebSimulator", "COpenSSL", "TestCertificates"],
      path: "Tests/Support/GitHubSimulator"),
    .target(
      name: "UpdaterWorld", dependencies: ["GitHubSimulator", "UpdaterGitHub", "UpdaterJobs", "HTTPClient"],
      path: "Tests/Support/UpdaterWorld"),
    .executableTarget(
      name: "github-simulator", dependencies: ["GitHubSimulator"], path: "Tests/Support/GitHubSimulatorProgram"),
    .executableTarget(name: "journal-writer", dependencies: ["BotHost"], path: "Tests/Support/JournalWriter"),
    .executableTarget(name: "kafka-mock", dependencies: ["CRDKafka"], path: "Tests/Support/KafkaMock"),
    .executableTarget(
      name: "conformance",
      dependencies: ["BotHost", "TwitchChat", "YetibotEngine", "YetibotStore", "UpdaterRules", "CYAML"],
      path: "Tests/Support/Conformance"),
    .executableTarget(
      name: "benchmarks", dependencies: ["BotHost", "CBotHost", "CSQLite", "CRDKafka", "YetibotEngine"],
      path: "Benchmarks/Sources"),
    .target(
      name: "TacoSwift", dependencies: ["BotPluginKit"], path: "Benchmarks/Plugins/TacoSwift",
      linkerSettings: pluginLinking),

    hostTests("Base"),
    hostTests("Manifest"),
    hostTests("Loading"),
    hostTests("Bus"),
    hostTests("Network"),
    .testTarget(name: "JournalTests", dependencies: ["BotHost", "journal-writer"]),
    hostTests("Lifecycle"),
    hostTests("Control"),
    .testTarget(name: "BotsTests", dependencies: ["BotHost", "SeededRandom"]),
    .testTarget(name: "BotPluginKitTests", dependencies: ["BotPluginKit"]),
    .testTarget(name: "HTMLTreeTests", dependencies: ["HTMLTree"]),
    .testTarget(name: "HostPatternsTests", dependencies: ["HostPatterns"]),
    .testTarget(name: "HTTPClientTests", dependencies: ["HTTPClient", "HostPatterns", "WebSimulator"]),
    .testTarget(name: "TwitchChatTests", dependencies: ["TwitchChat", "ReservedPort"]),
    .testTarget(
      name: "TwitchPluginTests", dependencies: ["TwitchPlugin", "TwitchChat", "BotPluginKit", "CBotHost", "Configured"]),
    .testTarget(name: "KafkaLogTests", dependencies: ["KafkaLog", "KafkaPlugin", "BotPluginKit", "Configured"]),
    .testTarget(
      name: "KafkaPluginTests",
      dependencies: [
        "KafkaPlugin", "KafkaClient", "KafkaLog", "CRDKafka", "CBotHost", "CLinux", "kafka-mock", "Configured",
      ]),
    .testTarget(name: "YetibotEngineTests", dependencies: ["YetibotEngine"]),
    .testTarget(name: "YetibotStoreTests", dependencies: ["YetibotStore", "YetibotEngine"]),
    .testTarget(name: "YetibotServicesTests", dependencies: ["YetibotServices", "YetibotEngine", "HTTPClient"]),
    .testTarget(name: "UpdaterRulesTests", dependencies: ["UpdaterRules", "SeededRandom"]),
    .testTarget(
      name: "UpdaterGitHubTests", dependencies: ["UpdaterGitHub", "HTTPClient", "GitHubSimulator", "UpdaterWorld"]),
    .testTarget(
      name: "UpdaterJobsTests",
      dependencies: ["UpdaterJobs", "UpdaterGitHub", "UpdaterRules", "HTTPClient", "GitHubSimulator", "UpdaterWorld"]),
    .testTarget(name: "EndToEndTests", dependencies: ["BotHost", "CLinux", "ReservedPort"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
