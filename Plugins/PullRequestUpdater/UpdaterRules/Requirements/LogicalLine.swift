/// What pip takes for one line: physical lines joined by backslashes, without the comment and the blanks around it. Never empty.
struct LogicalLine {
  /// See ``SourceText`` for how characters are written.
  private(set) var characters: [UInt8] = []
  /// Where each character begins in the file.
  private var offsets: [Int] = []
  private var lengths: [UInt8] = []
  /// Of its first physical line, counted from 1.
  let line: Int
  /// Its physical lines in the file, with their ends.
  private(set) var extent: Range<Int>

  private init(line: Int, at offset: Int) {
    self.line = line
    extent = offset..<offset
  }

  /// The place in the file of characters; of none, the place where they would begin.
  func span(_ range: Range<Int>) -> Range<Int> {
    guard !range.isEmpty else {
      let place = range.lowerBound == 0 ? offsets[0] : end(range.lowerBound - 1)
      return place..<place
    }
    return offsets[range.lowerBound]..<end(range.upperBound - 1)
  }

  private func end(_ index: Int) -> Int { offsets[index] + Int(lengths[index]) }

  /// The text of characters, as the file has it.
  func text(_ indices: some Sequence<Int>, in source: SourceText) -> String {
    indices.flatMap { source.bytes[offsets[$0]..<end($0)] }.text
  }

  func text(_ range: Range<Int>) -> String { characters[range].text }

  // MARK: From a file

  /// The lines of a file that say something.
  static func lines(of source: SourceText) -> [LogicalLine] {
    var lines: [LogicalLine] = []
    var current: LogicalLine?
    var number = 0
    var offset = source.start
    while offset < source.bytes.count {
      number += 1
      var physical = LogicalLine(line: number, at: offset)
      while offset < source.bytes.count {
        if let length = source.lineEnd(at: offset) {
          offset += length
          break
        }
        let (character, length) = source.character(at: offset)
        physical.append(character, offset, length)
        offset += length
      }
      physical.extent = physical.extent.lowerBound..<offset
      let isComment = physical.characters.first { !$0.isPythonBlank } == UInt8(ascii: "#")
      let goesOn = physical.characters.last == UInt8(ascii: "\\") && !isComment
      if goesOn { physical.stripBackslashes() }
      // A comment that follows a continued line ends it, and is a comment even when nothing stands before it.
      if isComment { physical.insertBlank() }
      if current == nil { current = physical } else { current?.append(physical) }
      if !goesOn {
        if let line = current?.stripped() { lines.append(line) }
        current = nil
      }
    }
    if let line = current?.stripped() { lines.append(line) }
    return lines
  }

  private mutating func append(_ character: UInt8, _ offset: Int, _ length: Int) {
    characters.append(character)
    offsets.append(offset)
    lengths.append(UInt8(length))
  }

  private mutating func append(_ other: LogicalLine) {
    characters += other.characters
    offsets += other.offsets
    lengths += other.lengths
    extent = extent.lowerBound..<other.extent.upperBound
  }

  private mutating func keep(_ range: Range<Int>) {
    characters = Array(characters[range])
    offsets = Array(offsets[range])
    lengths = Array(lengths[range])
  }

  private mutating func stripBackslashes() {
    let isOther = { (byte: UInt8) in byte != UInt8(ascii: "\\") }
    guard let first = characters.firstIndex(where: isOther), let last = characters.lastIndex(where: isOther) else {
      return keep(0..<0)
    }
    keep(first..<last + 1)
  }

  private mutating func insertBlank() {
    characters.insert(0x20, at: 0)
    offsets.insert(offsets[0], at: 0)
    lengths.insert(0, at: 0)
  }

  /// Without the comment and the blanks around; nil when nothing is left.
  private func stripped() -> LogicalLine? {
    var end = characters.count
    for index in characters.indices where characters[index] == UInt8(ascii: "#") {
      if index == 0 || characters[index - 1].isPythonBlank {
        end = index
        break
      }
    }
    guard let first = characters[..<end].firstIndex(where: { !$0.isPythonBlank }),
      let last = characters[..<end].lastIndex(where: { !$0.isPythonBlank })
    else { return nil }
    var line = self
    line.keep(first..<last + 1)
    return line
  }
}
