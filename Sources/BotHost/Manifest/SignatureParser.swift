extension Signature {
  /// Why a text is no signature, and where in it.
  public struct Problem: Error, Hashable, CustomStringConvertible {
    public var message: String
    /// In scalars of the text, from 0.
    public var offset: Int
    public var description: String { message }
  }

  /// Parses the grammar above.
  public init(parsing text: String) throws(Problem) {
    var parser = SignatureParser(text)
    self = try parser.parse()
  }
}

private struct SignatureParser {
  private let scalars: [Unicode.Scalar]
  private var index = 0
  private var wordStart = 0

  private static let resultWords = ["void", "cstring"] + Signature.Scalar.allCases.map(\.rawValue)
  private static let itemWords = ["cstring", "str", "bytes", "ptr"] + Signature.Scalar.allCases.map(\.rawValue)
  private static let parameterWords = itemWords + ["json", "self", "host", "event", "delivery", "callback"]

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  mutating func parse() throws(Signature.Problem) -> Signature {
    guard scalars.count <= 512 else { throw Signature.Problem(message: "the signature is too long", offset: 0) }
    let result = try result()
    var parameters: [Signature.Parameter] = []
    try list { parser throws(Signature.Problem) in parameters.append(try parser.parameter()) }
    skipBlanks()
    guard index == scalars.count else { throw problem("nothing may follow the closing parenthesis", at: index) }
    let signature = Signature(result: result, parameters: parameters)
    guard signature.argumentCount <= Signature.argumentLimit else {
      throw problem(
        "the function has \(signature.argumentCount) C arguments, the limit is \(Signature.argumentLimit)", at: 0)
    }
    return signature
  }

  private mutating func result() throws(Signature.Problem) -> Signature.Result {
    let name = try word(expected: "a result type")
    if name == "void" { return .void }
    if name == "cstring" { return .cstring }
    if let scalar = Signature.Scalar(rawValue: name) { return .scalar(scalar) }
    if name == "str" || name == "bytes" {
      throw problem("'\(name)' is a pointer and a length, and C returns one value; use cstring", at: wordStart)
    }
    throw unknown(name, "result type", Self.resultWords)
  }

  private mutating func parameter() throws(Signature.Problem) -> Signature.Parameter {
    let name = try word(expected: "a parameter type")
    if let scalar = Signature.Scalar(rawValue: name) { return .scalar(scalar) }
    switch name {
    case "cstring": return .cstring
    case "str": return .str
    case "bytes": return .bytes
    case "json": return .json
    case "ptr": return .pointer
    case "self": return .plugin
    case "host": return .host
    case "event": return .event
    case "delivery": return .delivery
    case "callback":
      var items: [Signature.Callback.Item] = []
      try list { parser throws(Signature.Problem) in items.append(try parser.item()) }
      skipBlanks()
      guard index + 1 < scalars.count, scalars[index] == "-", scalars[index + 1] == ">" else {
        return .callback(Signature.Callback(items: items))
      }
      index += 2
      return .callback(Signature.Callback(items: items, result: try result()))
    case "void": throw problem("a function without parameters is written with empty parentheses", at: wordStart)
    default: throw unknown(name, "parameter type", Self.parameterWords)
    }
  }

  private mutating func item() throws(Signature.Problem) -> Signature.Callback.Item {
    let name = try word(expected: "a type")
    if let scalar = Signature.Scalar(rawValue: name) { return .scalar(scalar) }
    switch name {
    case "cstring": return .cstring
    case "str": return .str
    case "bytes": return .bytes
    case "ptr": return .pointer
    default: throw unknown(name, "type of a callback's parameter", Self.itemWords)
    }
  }

  /// `(` elements separated by commas `)`.
  private mutating func list(
    _ element: (inout SignatureParser) throws(Signature.Problem) -> Void
  ) throws(Signature.Problem) {
    try expect("(")
    skipBlanks()
    if index < scalars.count, scalars[index] == ")" {
      index += 1
      return
    }
    while true {
      try element(&self)
      skipBlanks()
      guard index < scalars.count else { throw problem("')' is missing", at: index) }
      if scalars[index] == ")" {
        index += 1
        return
      }
      try expect(",")
    }
  }

  private mutating func word(expected: String) throws(Signature.Problem) -> String {
    skipBlanks()
    wordStart = index
    var text = ""
    while index < scalars.count, scalars[index].properties.isAlphabetic || scalars[index].properties.numericType != nil
    {
      text.unicodeScalars.append(scalars[index])
      index += 1
    }
    guard !text.isEmpty else { throw problem("\(expected) is expected", at: wordStart) }
    return text
  }

  private mutating func expect(_ scalar: Unicode.Scalar) throws(Signature.Problem) {
    skipBlanks()
    guard index < scalars.count, scalars[index] == scalar else {
      throw problem("'\(scalar)' is expected", at: index)
    }
    index += 1
  }

  private mutating func skipBlanks() {
    while index < scalars.count, scalars[index] == " " { index += 1 }
  }

  private func problem(_ message: String, at offset: Int) -> Signature.Problem {
    Signature.Problem(message: message, offset: offset)
  }

  private func unknown(_ name: String, _ what: String, _ words: [String]) -> Signature.Problem {
    let near = Suggestion.question(about: name, in: words).map { "; \($0)" } ?? ""
    return problem("'\(name)' is no \(what)\(near)", at: wordStart)
  }
}
