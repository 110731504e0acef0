import Foundation
import Testing

/// The pages that teach do what they say.
@Suite(.serialized)
struct GuideTests {
  /// A block of shell, and what the page promises that it prints.
  private struct Step {
    var script: String
    var line: Int
    var prints: String?
  }

  /// The ```sh blocks of a page, each with the ```text block that comes next, if one does.
  private func steps(of page: String) -> [Step] {
    var steps: [Step] = []
    var block: (kind: String, line: Int, lines: [String])?
    // A text block belongs to the shell block before it only when no other block stands between.
    var mayPrint = false
    for (index, line) in page.components(separatedBy: "\n").enumerated() {
      if let open = block {
        guard line == "```" else {
          block?.lines.append(line)
          continue
        }
        let text = open.lines.map { $0 + "\n" }.joined()
        if open.kind == "sh" { steps.append(Step(script: text, line: open.line)) }
        if open.kind == "text", mayPrint { steps[steps.count - 1].prints = text }
        mayPrint = open.kind == "sh"
        block = nil
      } else if line.hasPrefix("```") {
        block = (String(line.dropFirst(3)), index + 1, [])
      }
    }
    return steps
  }

  @Test(
    "every command of a page works, and prints what the page shows", .timeLimit(.minutes(20)),
    arguments: [("docs/plugin-guide.md", 10, 5), ("docs/yetibot.md", 3, 2)])
  func page(_ name: String, _ scripts: Int, _ outputs: Int) throws {
    let page = try String(contentsOf: Build.root.appendingPathComponent(name), encoding: .utf8)
    let steps = steps(of: page)
    try #require(steps.count >= scripts)
    try #require(steps.count { $0.prints != nil } >= outputs)

    let directory = try TemporaryDirectory()
    let folder = directory.url.appendingPathComponent("folder")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    // What each block prints goes to a file of its own; a host that a failed block leaves behind is stopped.
    var script = "set -euo pipefail\ntrap 'kill ${host-} 2> /dev/null || true' EXIT\n"
    for (number, step) in steps.enumerated() {
      script += "exec > '\(directory.path)/\(number)'\n" + step.script
    }
    let path = "\(Build.staged.path)/bin:" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
    let (status, _, error) = try RunningProgram.run(
      "/bin/bash", [try directory.file("guide.sh", script)],
      environment: ["PATH": path, "BOTHOST_INCLUDE": Build.include, "BOTHOST_PLUGINS": Build.plugins],
      directory: folder, within: 240)

    for (number, step) in steps.enumerated() {
      guard let printed = try? String(contentsOfFile: "\(directory.path)/\(number)", encoding: .utf8) else {
        Issue.record("\(name) stopped before line \(step.line), with \(status): \(error.joined(separator: "\n"))")
        return
      }
      if let expected = step.prints { #expect(printed == expected, "\(name):\(step.line)") }
    }
    let log = (try? String(contentsOf: folder.appendingPathComponent("host.log"), encoding: .utf8)) ?? ""
    #expect(status == 0, "\(error.joined(separator: "\n"))\n\(log)")
  }
}
