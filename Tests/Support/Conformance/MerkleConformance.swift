import BotHost
import Foundation

/// Runs golden content hashes through the bot compiler. The bot of the cases, its plugin and its edits are in
/// `Tests/Support/Golden`.
///
/// - Returns: how many of the file's nodes and edits came out as it says, and a line for each that did not.
func runMerkleConformance(file: String) -> (passed: Int, failed: Int, skipped: Int, messages: [String]) {
  let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Golden").path
  guard let data = FileManager.default.contents(atPath: file),
    let cases = try? JSONValue(parsing: String(decoding: data, as: UTF8.self))
  else { return (0, 1, 0, ["\(file): no JSON"]) }
  let total = (cases["base"]?.object?.count ?? 0) + (cases["edits"]?.object?.count ?? 0)
  let messages = MerkleConformance.run(file: file, directory: golden)
  // Several lines may be about one node or edit.
  let wrong = Set(messages.map { $0.prefix { $0 != ":" } }).count
  let failed = min(wrong, max(total, 1))
  return (max(0, total - failed), failed, 0, messages)
}
