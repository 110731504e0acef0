import Foundation
import Testing

@testable import BotHost

/// Every example of the manual, against the manifests of this repository.
@Suite struct ManualTests {
  struct Block {
    /// What stands behind the three back-quotes.
    var info: String
    var text: String
    /// In the page.
    var line: Int
  }

  /// The page's fenced blocks, in order.
  static func blocks() throws -> [Block] {
    let path = repository.appendingPathComponent("docs/bots.md").path
    let page = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    var blocks: [Block] = []
    var open: Block?
    for (index, line) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("```") {
        if let block = open {
          blocks.append(block)
          open = nil
        } else {
          open = Block(info: String(line.dropFirst(3)), text: "", line: index + 1)
        }
      } else {
        open?.text += line + "\n"
      }
    }
    #expect(open == nil, "a block has no end")
    return blocks
  }

  /// The values of the examples' configurations.
  private static let values = [
    "settings.yaml": "{nick: taco, channels: [one, two]}"
  ]

  private static func project(_ text: String) -> (BotProject, SourceText) {
    let source = SourceText(name: "bot.yaml", text)
    return (BotProject([source], values: values.mapValues { SourceText(name: "settings.yaml", $0) }), source)
  }

  @Test func everyExampleIsRight() throws {
    let manifests = BundledBotTests.manifests().manifests
    let blocks = try Self.blocks()
    var first: String?
    var current: (bot: BoundBot, block: Block)?
    var counts = (compiled: 0, run: 0, wrong: 0)
    var shown = ""
    for block in blocks {
      switch block.info {
      case "yaml", "yaml wrong":
        var text = block.text
        if first == nil { first = text }
        if text.hasPrefix("- "), let base = first {
          // Steps, in the place of those of the first example.
          let start = try #require(base.range(of: "    do:\n"))
          let end = try #require(base.range(of: "---\n"))
          let steps = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.isEmpty ? "" : "      \($0)"
          }
          text = base[..<start.upperBound] + steps.joined(separator: "\n") + base[end.lowerBound...]
        }
        let (project, source) = Self.project(text)
        let (programs, diagnostics) = BotCompiler.compile(project, manifests: manifests)
        shown = diagnostics.rendered(sources: [source])
        if block.info == "yaml wrong" {
          counts.wrong += 1
          #expect(diagnostics.hasErrors, "line \(block.line)")
          continue
        }
        counts.compiled += 1
        #expect(diagnostics.isEmpty, "line \(block.line): \(shown)")
        current = nil
        guard let program = programs.first else { continue }
        var found = Diagnostics()
        let bound = program.bind(
          manifests: manifests, environment: Environment(["TWITCH_TOKEN": "oauth"]), diagnostics: &found)
        current = (try #require(bound, "line \(block.line): \(found.map(\.description))"), block)
      case "diagnostics": #expect(block.text == shown, "line \(block.line)")
      case "events":
        counts.run += 1
        let (bot, _) = try #require(current, "line \(block.line)")
        #expect(try Self.run(bot, block.text) == block.text, "line \(block.line)")
      // Commands and what they print: `EmittedBotTests` and `UnitCacheTests` give and read them.
      case "sh", "text": continue
      default: Issue.record("line \(block.line): a block of a kind that no test knows: '\(block.info)'")
      }
    }
    #expect(counts.compiled > 12 && counts.run > 10 && counts.wrong > 0, "\(counts)")
  }

  /// What the bot does with the events of a block, as the block should show it.
  private static func run(_ bot: BoundBot, _ text: String) throws -> String {
    let recorder = Recorder(bot.program)
    let runtime = BotRuntime(bot, effects: recorder)
    recorder.runtime = runtime
    var log: [String] = []
    recorder.answer = { call in
      log.append("> \(call.method) \(call.argument)")
      return .success("{}")
    }
    recorder.onPrint = { log.append("> \($0)") }
    for line in text.split(separator: "\n") where !line.hasPrefix(">") {
      log.append(String(line))
      let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
      let name = parts[0].split(separator: ".")
      let use = name.dropLast().joined(separator: ".")
      let index = bot.program.subscriptions.firstIndex { subscription in
        let requirement = bot.program.requirements[subscription.requirement]
        // `chat` is what the page calls a component's or another bot's instance, too.
        let isMeant = requirement.use == use || requirement.use.hasPrefix(use + ".")
        return isMeant && subscription.topic.hasSuffix("." + (name.last ?? ""))
      }
      guard let index else { continue }
      let outcome = Array(parts[1].utf8).withUnsafeBytes {
        runtime.deliver(subscription: index, payload: $0, delivery: 1)
      }
      if case .done(let failure?) = outcome { log.append("> error: \(failure.message)") }
    }
    return log.joined(separator: "\n") + "\n"
  }
}
