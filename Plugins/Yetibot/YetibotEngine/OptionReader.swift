/// Reads options as command lines have them: `-u value`, `-uvalue`, `--user value`, `-yn`.
struct OptionReader {
  struct Option {
    var short: Character
    var long: String
    var hasValue: Bool
  }

  private(set) var values: [(name: String, value: String?)] = []
  private(set) var words: [String] = []
  /// The options that are none, and those whose value is missing.
  private(set) var unknown: [String] = []
  private(set) var incomplete: [String] = []

  /// What is wrong with the options; nil when nothing is.
  var problem: String? {
    if !unknown.isEmpty { return "there is no option \(unknown.joined(separator: " "))" }
    return incomplete.isEmpty ? nil : "\(incomplete.joined(separator: " and ")) needs a value"
  }

  init(_ text: String, _ options: [Option]) {
    var pending = text.split(separator: " ").map(String.init)[...]
    while let word = pending.popFirst() {
      if word.hasPrefix("--"), word.count > 2 {
        let name = word.dropFirst(2)
        if let option = options.first(where: { $0.long == name }) {
          take(option, word, nil, &pending)
        } else {
          unknown.append(word)
        }
      } else if word.hasPrefix("-"), word.count > 1 {
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
          guard let option = options.first(where: { $0.short == letter }) else {
            unknown.append("-\(letter)")
            break
          }
          if option.hasValue {
            take(option, word, letters.isEmpty ? nil : String(letters), &pending)
            break
          }
          values.append((option.long, nil))
        }
      } else {
        words.append(word)
      }
    }
  }

  private mutating func take(_ option: Option, _ word: String, _ value: String?, _ rest: inout ArraySlice<String>) {
    guard option.hasValue else {
      values.append((option.long, nil))
      return
    }
    if let value = value ?? rest.popFirst() { values.append((option.long, value)) } else { incomplete.append(word) }
  }

  func value(_ name: String) -> String? { values.last { $0.name == name }?.value }
  func has(_ name: String) -> Bool { values.contains { $0.name == name } }
}
