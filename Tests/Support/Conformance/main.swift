import Glibc

/// `conformance SUITE [CASES]`: runs a file of cases through the real code. Prints each case that failed or was skipped, with the reason, and
/// at the end how many passed, failed and were skipped. Ends with 1 when one failed, with 2 when the words were wrong.

/// A suite: where its public cases are, and what runs them.
struct Suite {
  let name: String
  let defaultCases: String
  let run: (String) -> (passed: Int, failed: Int, skipped: Int, messages: [String])
}

let suites = [
  Suite(name: "irc", defaultCases: "../shared/cases/irc", run: runIRCConformance(casesDirectoryOrFile:)),
  Suite(name: "merkle", defaultCases: "../shared/cases/merkle-vectors.json", run: runMerkleConformance(file:)),
  Suite(
    name: "yetibot", defaultCases: "../shared/cases/yetibot-cases.jsonl", run: runYetibotConformance(file:)),
]

let words = Array(CommandLine.arguments.dropFirst())
guard let name = words.first, words.count <= 2, let suite = suites.first(where: { $0.name == name }) else {
  fputs("usage: conformance \(suites.map(\.name).joined(separator: "|")) [CASES]\n", stderr)
  exit(2)
}
let cases = words.count > 1 ? words[1] : suite.defaultCases
guard access(cases, R_OK) == 0 else {
  fputs(
    "conformance: \(cases): \(String(cString: strerror(errno))); name a file of cases: make conformance SUITE=\(name) CASES=FILE\n",
    stderr)
  exit(2)
}
let result = suite.run(cases)
for message in result.messages { print(message) }
print("\(result.passed) passed, \(result.failed) failed, \(result.skipped) skipped")
exit(result.failed == 0 ? 0 : 1)
