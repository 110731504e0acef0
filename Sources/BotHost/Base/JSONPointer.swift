/// A path into a JSON value (RFC 6901): `/user/name`, `/tags/0`; empty for the whole.
public struct JSONPointer: Sendable, Hashable, CustomStringConvertible {
  /// The parts between the slashes, unescaped.
  public let tokens: [String]

  public init(tokens: [String]) { self.tokens = tokens }

  /// Nil when the text is no pointer: it does not begin with `/`, or a `~` is followed by neither 0 nor 1.
  public init?(_ text: String) {
    guard !text.isEmpty else {
      tokens = []
      return
    }
    guard text.utf8.first == UInt8(ascii: "/") else { return nil }
    var tokens: [String] = []
    for part in text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard let token = Self.unescape(part) else { return nil }
      tokens.append(token)
    }
    self.tokens = tokens
  }

  private static func unescape(_ part: Substring.UTF8View) -> String? {
    guard part.contains(UInt8(ascii: "~")) else { return String(Substring(part)) }
    var bytes: [UInt8] = []
    var rest = part[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "~") else {
        bytes.append(byte)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "0"): bytes.append(UInt8(ascii: "~"))
      case UInt8(ascii: "1"): bytes.append(UInt8(ascii: "/"))
      default: return nil
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  public var description: String {
    var bytes: [UInt8] = []
    for token in tokens {
      bytes.append(UInt8(ascii: "/"))
      for byte in token.utf8 {
        switch byte {
        case UInt8(ascii: "~"): bytes.append(contentsOf: "~0".utf8)
        case UInt8(ascii: "/"): bytes.append(contentsOf: "~1".utf8)
        default: bytes.append(byte)
        }
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The position that a token means in a list: digits without a leading zero.
  static func index(_ token: String) -> Int? {
    let digits = token.utf8
    guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }), digits.first != 48 || digits.count == 1
    else { return nil }
    return Int(token)
  }
}

extension JSONValue {
  /// The value at that place; nil when there is none.
  public func value(at pointer: JSONPointer) -> JSONValue? {
    var value = self
    for token in pointer.tokens {
      switch value {
      case .object(let members):
        guard let member = members[token] else { return nil }
        value = member
      case .array(let elements):
        guard let index = JSONPointer.index(token), index < elements.count else { return nil }
        value = elements[index]
      default:
        return nil
      }
    }
    return value
  }

  /// The same for a pointer as text; nil also when the text is no pointer.
  public func value(at pointer: String) -> JSONValue? {
    JSONPointer(pointer).flatMap { value(at: $0) }
  }

  /// Puts a value at that place. The parents must be there; a member is added or replaced, a list's element replaced, or
  /// added with the index that follows the last or `-`. False, and no change, when the place does not exist.
  public mutating func set(_ value: JSONValue, at pointer: JSONPointer) -> Bool {
    set(value, at: pointer.tokens[...])
  }

  private mutating func set(_ value: JSONValue, at tokens: ArraySlice<String>) -> Bool {
    guard let token = tokens.first else {
      self = value
      return true
    }
    let rest = tokens.dropFirst()
    switch self {
    case .object(var members):
      guard rest.isEmpty || members[token] != nil else { return false }
      var member = members[token] ?? .null
      guard member.set(value, at: rest) else { return false }
      members[token] = member
      self = .object(members)
      return true
    case .array(var elements):
      let index = token == "-" ? elements.count : JSONPointer.index(token)
      guard let index, index < elements.count || (index == elements.count && rest.isEmpty) else { return false }
      if index == elements.count { elements.append(.null) }
      guard elements[index].set(value, at: rest) else { return false }
      self = .array(elements)
      return true
    default:
      return false
    }
  }
}
