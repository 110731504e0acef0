import Foundation

/// `conformance SUITE [CASES]`: runs a file of cases through the real code. Prints each case that failed or was skipped, with the
/// reason, and at the end how many passed, failed and were skipped. Ends with 1 when one failed, with 2 when the words were wrong.

/// A suite: where its public cases are, and what runs them.
struct Suite {
  let name: String
  let defaultCases: String
  let run: (String) -> (passed: Int, failed: Int, skipped: Int, messages: [String])
}

let suites = [
  Suite(name: "irc", defaultCases: "../shared/cases/irc", run: runIRCConformance(casesDirectoryOrFile:)),
  Suite(name: "merkle", defaultCases: "../shared/cases/merkle-vectors.json", run: runMerkleConformance(file:)),
  Suite(name: "yetibot", defaultCases: "../shared/cases/yetibot-cases.jsonl", run: runYetibotConformance(file:)),
  Suite(name: "pep440", defaultCases: "../shared/cases/pep440-vectors.jsonl", run: runPEP440Conformance(file:)),
  Suite(
    name: "requirements", defaultCases: "../shared/cases/requirements-cases.jsonl",
    run: runRequirementsConformance(file:)),
  Suite(name: "titles", defaultCases: "../shared/cases/issue-titles.jsonl", run: runTitlesConformance(file:)),
]

func refuse(_ reason: String) -> Never {
  FileHandle.standardError.write(Data("conformance: \(reason)\n".utf8))
  exit(2)
}

let words = Array(CommandLine.arguments.dropFirst())
guard let name = words.first, words.count <= 2, let suite = suites.first(where: { $0.name == name }) else {
  refuse("usage: conformance \(suites.map(\.name).joined(separator: "|")) [CASES]")
}
let cases = words.count > 1 ? words[1] : suite.defaultCases
guard access(cases, R_OK) == 0 else {
  refuse("\(cases) cannot be read; name a file of cases: make conformance SUITE=\(name) CASES=FILE")
}
let result = suite.run(cases)
for message in result.messages { print(message) }
print("\(result.passed) passed, \(result.failed) failed, \(result.skipped) skipped")
exit(result.failed == 0 ? 0 : 1)
