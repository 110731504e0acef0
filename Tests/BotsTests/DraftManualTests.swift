import Foundation
import Testing

@testable import BotHost

/// `docs/draft.md` says what `bothost draft` does.
@Suite struct DraftManualTests {
  private struct Block {
    var kind: String
    var text: String
    var line: Int
  }

  private static func blocks() throws -> [Block] {
    let page = try String(contentsOf: repository.appendingPathComponent("docs/draft.md"), encoding: .utf8)
    var blocks: [Block] = []
    var open: Block?
    for (index, line) in page.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if open != nil, line == "```" {
        open.map { blocks.append($0) }
        open = nil
      } else if open != nil {
        open?.text += line + "\n"
      } else if line.hasPrefix("```") {
        open = Block(kind: String(line.dropFirst(3)), text: "", line: index + 1)
      }
    }
    return blocks
  }

  @Test func everyExampleIsDraftedAsShown() throws {
    let blocks = try Self.blocks()
    var examples = 0
    for (index, block) in blocks.enumerated() where block.kind == "english" {
      examples += 1
      let text = SourceText(name: "<stdin>", block.text)
      let draft = BotDraft(text)
      let next = index + 1 < blocks.count ? blocks[index + 1] : nil
      if let next, next.kind == "console" {
        #expect(draft.yaml == nil)
        #expect(next.text.hasPrefix(draft.diagnostics.rendered(sources: [text])), "docs/draft.md:\(next.line)")
        continue
      }
      #expect(draft.diagnostics.isEmpty, "docs/draft.md:\(block.line): \(draft.diagnostics.map(\.description))")
      let yaml = try #require(draft.yaml)
      let found = BotDraft.check(yaml, name: "draft.yaml", manifests: DraftTests.manifests)
      #expect(found.isEmpty, "docs/draft.md:\(block.line): \(found.map(\.description))")
      if let next, next.kind == "yaml" { #expect(next.text == yaml, "docs/draft.md:\(next.line)") }
    }
    #expect(examples >= 4)
  }

  @Test func theTableIsTheOneThatMatches() throws {
    let block = try #require(try Self.blocks().last { $0.kind == "text" })
    #expect(block.text == BotDraft.patterns)
  }
}
