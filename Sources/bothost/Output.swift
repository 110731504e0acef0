import BotHost
import Glibc

/// What the program prints: results on standard output, everything else on standard error.
enum Output {
  /// Colours only on a terminal, and not when NO_COLOR is set.
  static func colours(on descriptor: Int32) -> Bool {
    isatty(descriptor) != 0 && getenv("NO_COLOR") == nil && getenv("TERM").map { String(cString: $0) } != "dumb"
  }

  static func line(_ text: String) {
    write(text + "\n", to: 1)
  }

  static func error(_ text: String) {
    let head = colours(on: 2) ? "\u{1B}[1;31merror:\u{1B}[0m " : "error: "
    write(head + text + "\n", to: 2)
  }

  static func note(_ text: String) {
    write(text + "\n", to: 2)
  }

  /// Writes all of it; a reader that has gone away ends the program quietly, as it does any filter.
  static func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
        if count > 0 {
          done += count
        } else if errno != EINTR {
          if errno == EPIPE { exit(0) }
          return
        }
      }
    }
  }

  /// Columns, aligned, with a heading. The last column is not padded.
  static func table(_ heading: [String], _ rows: [[String]]) {
    let all = [heading] + rows
    let widths = heading.indices.map { column in all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    let bold = colours(on: 1)
    for (index, row) in all.enumerated() {
      var line = ""
      for (column, cell) in row.enumerated() {
        line += cell
        if column < row.count - 1 { line += String(repeating: " ", count: max(0, widths[column] - cell.count) + 2) }
      }
      while line.hasSuffix(" ") { line.removeLast() }
      self.line(bold && index == 0 ? "\u{1B}[1m\(line)\u{1B}[0m" : line)
    }
  }

  /// A duration for people: the two largest units.
  static func duration(milliseconds: Int64) -> String {
    if milliseconds < 1000 { return "\(milliseconds)ms" }
    let seconds = milliseconds / 1000
    switch seconds {
    case ..<60: return "\(seconds)s"
    case ..<3600: return "\(seconds / 60)m \(seconds % 60)s"
    case ..<86_400: return "\(seconds / 3600)h \(seconds % 3600 / 60)m"
    default: return "\(seconds / 86_400)d \(seconds % 86_400 / 3600)h"
    }
  }
}
