import Foundation

/// What a row of the table has to reach.
enum Aim {
  /// The host's own figure.
  case atMost(Double)
  /// The host's figure over the peer's: for rates.
  case atLeastTimes(Double)
  /// The same for times.
  case atMostTimes(Double)
  /// Nothing was promised.
  case none
}

/// One measurement: the host's figure beside a peer's from the same run.
struct Row {
  var what: String
  var host: Double
  /// `ns`, `us`, `ms`, `MiB`, or `/s`.
  var unit: String
  var peer: (name: String, value: Double)?
  var aim = Aim.none

  var ratio: Double? { peer.map { host / $0.value } }

  var isMet: Bool? {
    switch aim {
    case .atMost(let limit): host <= limit
    case .atLeastTimes(let times): ratio.map { $0 >= times }
    case .atMostTimes(let times): ratio.map { $0 <= times }
    case .none: nil
    }
  }

  fileprivate var aimText: String {
    switch aim {
    case .atMost(let limit): "<= \(Report.figure(limit, unit))"
    case .atLeastTimes(let times): ">= \(Report.number(times)) x"
    case .atMostTimes(let times): "<= \(Report.number(times)) x"
    case .none: ""
    }
  }

  fileprivate var cells: [String] {
    [
      what, Report.figure(host, unit), peer.map { "\(Report.figure($0.value, unit)) \($0.name)" } ?? "",
      ratio.map { "\(Report.number($0)) x" } ?? "", aimText, isMet.map { $0 ? "reached" : "missed" } ?? "",
    ]
  }
}

/// What a run has found; rows are printed as they come, and once more as one table.
final class Report {
  private var rows: [Row] = []
  private var omissions: [String] = []

  func add(_ row: Row) {
    rows.append(row)
    say(row.cells.filter { !$0.isEmpty }.joined(separator: "; "))
  }

  /// A row that cannot be measured here.
  func leaveOut(_ what: String, because reason: String) {
    omissions.append("\(what): left out: \(reason)")
    say("\(what): left out: \(reason)")
  }

  /// Something to know about the rows.
  func note(_ text: String) {
    say("  \(text)")
  }

  func printTable() {
    let header = ["what", "bothost", "beside", "ratio", "aim", ""]
    let table = [header] + rows.map(\.cells)
    let widths = header.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
    say("")
    for (index, cells) in table.enumerated() {
      let line = zip(cells, widths).map { cell, width in cell.padding(toLength: width, withPad: " ", startingAt: 0) }
      say(line.joined(separator: " | ").trimmingCharacters(in: .whitespaces))
      if index == 0 { say(widths.map { String(repeating: "-", count: $0) }.joined(separator: "-|-")) }
    }
    for omission in omissions { say(omission) }
  }

  /// At once, also into a file.
  private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

  static func figure(_ value: Double, _ unit: String) -> String {
    unit == "/s" ? "\(grouped(value))/s" : "\(number(value)) \(unit)"
  }

  static func number(_ value: Double) -> String {
    if value >= 1000 { return grouped(value) }
    return String(format: value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value)
  }

  private static func grouped(_ value: Double) -> String {
    var digits = Array(String(Int(value.rounded())))
    var index = digits.count - 3
    while index > 0 {
      digits.insert(",", at: index)
      index -= 3
    }
    return String(digits)
  }
}

extension [Double] {
  /// The value below which that part of all lies; 0 when there is none.
  func percentile(_ part: Double) -> Double {
    guard !isEmpty else { return 0 }
    return sorted()[Swift.min(count - 1, Int(Double(count) * part))]
  }
}
