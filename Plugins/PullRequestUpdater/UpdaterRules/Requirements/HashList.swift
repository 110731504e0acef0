/// The `--hash` options of a requirement, which are replaced as a whole.
struct HashList {
  let line: LogicalLine
  let source: SourceText
  let hashes: [LineOptions.Value]

  /// Writes the digests where the first one stands, as far apart as the first two are now.
  func replace(with digests: [String], in edits: inout SpanEdits) {
    guard let first = hashes.first else { return }
    let separator = gap(before: hashes.count > 1 ? hashes[1] : first)
    let list = digests.map { "--hash=sha256:\($0)" }
    var text: [UInt8] = []
    for (index, hash) in list.enumerated() {
      if index > 0 { text += source.bytes[separator] }
      text += hash.utf8
    }
    edits.replace(line.span(first.range), with: text)
    for hash in hashes.dropFirst() {
      edits.replace(gap(before: hash).lowerBound..<line.span(hash.range).upperBound, with: "")
    }
  }

  /// The blanks, backslashes and line ends before an option, in the file.
  private func gap(before hash: LineOptions.Value) -> Range<Int> {
    let start = line.span(hash.range).lowerBound
    guard let last = line.characters[..<hash.range.lowerBound].lastIndex(where: { !$0.isPythonBlank }) else {
      return start..<start
    }
    return line.span(last..<last + 1).upperBound..<start
  }
}
