import Foundation
import Testing

@testable import BotHost

/// Every mistake is answered with its place, the line, a caret, and what to do.
@Suite struct WrongBotTests {
  @Test(arguments: WrongBot.steps + WrongBot.documents + WrongBot.methods + WrongBot.components)
  func isAnsweredWith(_ bot: WrongBot) throws {
    let source = SourceText(name: "bot.yaml", bot.text)
    let (_, diagnostics) = BotCompiler.compile(BotProject([source]), manifests: try Plugins.all())
    let shown = diagnostics.rendered(sources: [source])
    #expect(shown == bot.expected + "\n")
  }

  /// Every mistake is found also among others, and none hides another.
  @Test func allAtOnce() throws {
    let parts = WrongBot.steps.compactMap { bot -> String? in
      if case .steps(let steps) = bot.source, !bot.title.hasPrefix("a template without") { steps } else { nil }
    }
    let bot = WrongBot("all", .steps(parts.joined(separator: "\n")), "")
    let (_, diagnostics) = BotCompiler.compile(
      BotProject([SourceText(name: "bot.yaml", bot.text)]), manifests: try Plugins.all())
    // Where steps are not understood, names may only seem unused.
    #expect(diagnostics.errorCount >= parts.count - 3, "\(diagnostics.map(\.description))")
  }

  /// `bothost check` shows the same.
  @Test func checkShowsTheSame() throws {
    let directory = NSTemporaryDirectory() + "wrong-bots-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let bot = try #require(WrongBot.steps.first { $0.title == "an unknown method" })
    let path = directory + "/bot.yaml"
    try Data(bot.text.utf8).write(to: URL(fileURLWithPath: path))
    for (name, text) in [("twitch.yaml", Plugins.chat), ("kafka.yaml", Plugins.kafka)] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
    }
    let report = HostCheck(
      paths: [path], pluginDirectories: [directory], configurationFile: nil, environment: ["PASS": "x"]
    ).run()
    let shown = report.findings.map { $0.rendered(colours: false) }
    #expect(shown.contains("\(directory)/\(bot.expected)"), "\(shown)")
  }
}
