/// The `--hash` options of a requirement, which are replaced as a whole.
struct HashList {
  let line: LogicalLine
  let source: SourceText
  let hashes: [LineOptions.Value]

  /// Writes the digests where the first one stands, as far apart as the first two are now.
  func replace(with digests: [String], in edits: inout SpanEdits) {
    guard let first = hashes.first else { return }
    let separator = hashes.count > 1 ? gap(before: hashes[1], behind: first) : gap(before: first)
    let list = digests.map { "--hash=sha256:\($0)" }
    var text: [UInt8] = []
    for (index, hash) in list.enumerated() {
      if index > 0 { text += source.bytes[separator] }
      text += hash.utf8
    }
    edits.replace(line.span(first.range), with: text)
    for (previous, hash) in zip(hashes, hashes.dropFirst()) {
      edits.replace(gap(before: hash, behind: previous).lowerBound..<line.span(hash.range).upperBound, with: "")
    }
  }

  /// The blanks, backslashes and line ends before an option, in the file. A blank that is escaped belongs to the option before.
  private func gap(before hash: LineOptions.Value, behind previous: LineOptions.Value) -> Range<Int> {
    let gap = gap(before: hash)
    return max(gap.lowerBound, line.span(previous.range).upperBound)..<gap.upperBound
  }

  private func gap(before hash: LineOptions.Value) -> Range<Int> {
    let start = line.span(hash.range).lowerBound
    guard let last = line.characters[..<hash.range.lowerBound].lastIndex(where: { !$0.isPythonBlank }) else {
      return start..<start
    }
    return line.span(last..<last + 1).upperBound..<start
  }
}
