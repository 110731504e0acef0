/// The difference between two states of a file, as `git diff` shows it.
public struct UnifiedDiff: Sendable, Hashable {
  /// Empty when nothing differs.
  public let bytes: [UInt8]
  /// The same for people: bytes that are no UTF-8 are replaced.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// More changed lines than this are shown as one block that was replaced: comparing them costs the square of their number.
  private static let mostCompared = 2000

  private enum Line {
    case same(ArraySlice<UInt8>)
    case removed(ArraySlice<UInt8>)
    case added(ArraySlice<UInt8>)

    var isSame: Bool { if case .same = self { true } else { false } }
    var isOld: Bool { if case .added = self { false } else { true } }
    var isNew: Bool { if case .removed = self { false } else { true } }
  }

  /// - Parameters:
  ///   - path: in the repository.
  ///   - context: how many unchanged lines are shown around a change.
  public init(path: String, old: [UInt8], new: [UInt8], context: Int = 3) {
    guard old != new else {
      bytes = []
      return
    }
    let lines = Self.compared(Self.lines(old), Self.lines(new))
    var result = Array("--- \(Self.quoted("a/" + path))\n+++ \(Self.quoted("b/" + path))\n".utf8)
    for hunk in Self.hunks(lines, context: max(0, context)) { Self.write(hunk, of: lines, to: &result) }
    bytes = result
  }

  /// With their ends.
  private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
      lines.append(bytes[start..<end])
      start = end
    }
    return lines
  }

  private static func compared(_ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>]) -> [Line] {
    var first = 0
    while first < min(old.count, new.count), old[first] == new[first] { first += 1 }
    var last = 0
    while last < min(old.count, new.count) - first, old[old.count - 1 - last] == new[new.count - 1 - last] { last += 1 }
    let (oldMiddle, newMiddle) = (Array(old[first..<(old.count - last)]), Array(new[first..<(new.count - last)]))
    var result = old[..<first].map { Line.same($0) }
    if max(oldMiddle.count, newMiddle.count) > mostCompared {
      result += oldMiddle.map { .removed($0) } + newMiddle.map { .added($0) }
    } else {
      result += difference(oldMiddle, newMiddle)
    }
    return result + old[(old.count - last)...].map { .same($0) }
  }

  private static func difference(_ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>]) -> [Line] {
    let difference = new.difference(from: old)
    var removed = Set<Int>()
    var added = Set<Int>()
    for change in difference {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): added.insert(offset)
      }
    }
    var result: [Line] = []
    var (left, right) = (0, 0)
    while left < old.count || right < new.count {
      if left < old.count, removed.contains(left) {
        result.append(.removed(old[left]))
        left += 1
      } else if right < new.count, added.contains(right) {
        result.append(.added(new[right]))
        right += 1
      } else if left < old.count {
        result.append(.same(old[left]))
        left += 1
        right += 1
      } else {
        break
      }
    }
    return result
  }

  /// Runs of changes with what stands around them.
  private static func hunks(_ lines: [Line], context: Int) -> [Range<Int>] {
    var hunks: [Range<Int>] = []
    for index in lines.indices where !lines[index].isSame {
      let range = max(0, index - context)..<min(lines.count, index + context + 1)
      if let open = hunks.last, range.lowerBound <= open.upperBound {
        hunks[hunks.count - 1] = open.lowerBound..<range.upperBound
      } else {
        hunks.append(range)
      }
    }
    return hunks
  }

  private static func write(_ hunk: Range<Int>, of lines: [Line], to result: inout [UInt8]) {
    func range(_ isCounted: (Line) -> Bool) -> String {
      let before = lines[..<hunk.lowerBound].count(where: isCounted)
      let count = lines[hunk].count(where: isCounted)
      // An empty range stands behind the line before it.
      let start = count == 0 ? before : before + 1
      return count == 1 ? "\(start)" : "\(start),\(count)"
    }
    result += "@@ -\(range(\.isOld)) +\(range(\.isNew)) @@\n".utf8
    for line in lines[hunk] {
      let (mark, text): (UInt8, ArraySlice<UInt8>) =
        switch line {
        case .same(let text): (0x20, text)
        case .removed(let text): (UInt8(ascii: "-"), text)
        case .added(let text): (UInt8(ascii: "+"), text)
        }
      result.append(mark)
      result += text
      if text.last != 0x0A { result += "\n\\ No newline at end of file\n".utf8 }
    }
  }

  /// As git writes a path that has quotes, backslashes, control characters or characters beyond ASCII.
  private static func quoted(_ path: String) -> String {
    guard path.utf8.contains(where: { $0 < 0x20 || $0 >= 0x7F || $0 == 0x22 || $0 == 0x5C }) else { return path }
    var text = "\""
    for byte in path.utf8 {
      switch byte {
      case 0x09: text += "\\t"
      case 0x0A: text += "\\n"
      case 0x0D: text += "\\r"
      case 0x22: text += "\\\""
      case 0x5C: text += "\\\\"
      case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 8)
        text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
      }
    }
    return text + "\""
  }
}
