import Foundation

/// A file of cases with one JSON object a line, and what has come of them so far.
struct CaseRows {
  /// One case. What it has and nobody asks for is an error: a case that is half understood proves nothing.
  struct Row {
    let name: String
    private let values: [String: Any]
    private var asked: Set<String> = []

    init(name: String, values: [String: Any]) {
      self.name = name
      self.values = values
    }

    var unknownKeys: [String] { values.keys.filter { !asked.contains($0) }.sorted() }

    func has(_ key: String) -> Bool { values[key] != nil }

    /// The value of a key; nil when it is missing or `null`.
    ///
    /// - Throws: ``WrongCase`` when it is of another type.
    mutating func value<Value>(_ key: String, as type: Value.Type = Value.self) throws(WrongCase) -> Value? {
      asked.insert(key)
      guard let value = values[key], !(value is NSNull) else { return nil }
      guard let value = value as? Value else { throw WrongCase(reason: "“\(key)” is no \(type)") }
      return value
    }

    mutating func required<Value>(_ key: String, as type: Value.Type = Value.self) throws(WrongCase) -> Value {
      guard let value = try value(key, as: type) else { throw WrongCase(reason: "“\(key)” is missing") }
      return value
    }
  }

  struct WrongCase: Error { let reason: String }

  private(set) var passed = 0
  private(set) var failed = 0
  private(set) var messages: [String] = []

  var result: (passed: Int, failed: Int, skipped: Int, messages: [String]) { (passed, failed, 0, messages) }

  /// - Parameter run: what is wrong with a case's outcome; nil when it is as the case says.
  init(file: String, run: (inout Row) throws(WrongCase) -> String?) {
    guard let data = FileManager.default.contents(atPath: file) else {
      fail("\(file): it cannot be read")
      return
    }
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where line.contains(where: { $0 > 0x20 }) {
      let place = "\(file):\(index + 1)"
      guard let values = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] else {
        fail("\(place): no JSON object")
        continue
      }
      var row = Row(name: values["id"] as? String ?? place, values: values)
      do throws(WrongCase) {
        let wrong = try run(&row)
        let unknown = row.unknownKeys.filter { !["id", "why", "category"].contains($0) }
        if let wrong {
          fail("\(row.name): \(wrong)")
        } else if !unknown.isEmpty {
          fail("\(row.name): nobody knows what \(unknown.joined(separator: ", ")) means")
        } else {
          passed += 1
        }
      } catch {
        fail("\(row.name): \(error.reason)")
      }
    }
    if passed + failed == 0 { fail("\(file): no cases") }
  }

  private mutating func fail(_ message: String) {
    failed += 1
    messages.append(message)
  }
}
