/// Replacements of spans of a file. Every byte outside the spans stays as it is.
struct SpanEdits {
  private var edits: [(span: Range<Int>, text: [UInt8])] = []

  var isEmpty: Bool { edits.isEmpty }

  /// - Precondition: it overlaps no span that was given before.
  mutating func replace(_ span: Range<Int>, with text: some Sequence<UInt8>) {
    edits.append((span, Array(text)))
  }

  mutating func replace(_ span: Range<Int>, with text: String) { replace(span, with: text.utf8) }

  func applied(to bytes: [UInt8]) -> [UInt8] { applied(to: bytes, in: 0..<bytes.count) }

  private func applied(to bytes: [UInt8], in range: Range<Int>) -> [UInt8] {
    var result: [UInt8] = []
    var position = range.lowerBound
    for edit in sorted where range.lowerBound <= edit.span.lowerBound && edit.span.upperBound <= range.upperBound {
      // What overlaps is left out; whoever reads the result back sees that.
      guard edit.span.lowerBound >= position else { continue }
      result += bytes[position..<edit.span.lowerBound]
      result += edit.text
      position = edit.span.upperBound
    }
    return result + bytes[position..<range.upperBound]
  }

  private var sorted: [(span: Range<Int>, text: [UInt8])] {
    edits.sorted { ($0.span.lowerBound, $0.span.upperBound) < ($1.span.lowerBound, $1.span.upperBound) }
  }

  /// The lines that change, each run of them once.
  func changes(in bytes: [UInt8]) -> [ManifestEdit.Change] {
    var extents: [Range<Int>] = []
    for edit in sorted {
      let start = (bytes[..<edit.span.lowerBound].lastIndex(of: 0x0A) ?? -1) + 1
      // A span that ends with a line's end takes nothing of the line behind it.
      let last = max(edit.span.lowerBound, edit.span.upperBound - 1)
      let end = bytes[min(last, bytes.count)...].firstIndex(of: 0x0A) ?? bytes.count
      if let open = extents.last, start <= open.upperBound {
        extents[extents.count - 1] = open.lowerBound..<max(open.upperBound, end)
      } else {
        extents.append(start..<end)
      }
    }
    var line = 1
    var position = 0
    return extents.map { extent in
      line += bytes[position..<extent.lowerBound].count { $0 == 0x0A }
      position = extent.lowerBound
      // The end of the last line is no part of what is shown, but may be of what is replaced.
      let whole = extent.lowerBound..<min(extent.upperBound + 1, bytes.count)
      return ManifestEdit.Change(
        line: line, oldText: Self.shown(bytes[extent]), newText: Self.shown(applied(to: bytes, in: whole)[...]))
    }
  }

  private static func shown(_ text: ArraySlice<UInt8>) -> String {
    var text = text
    while let last = text.last, last == 0x0A || last == 0x0D { text = text.dropLast() }
    return text.text
  }
}
