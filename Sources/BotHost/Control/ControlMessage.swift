import CBotHost

/// What a client of the control socket asks for. On the wire one line of JSON:
///
///     {"id":1,"op":"swap","args":{"plugin":"twitch"}}
///
/// The answers carry the same number: any number of items, then one end.
///
///     {"id":1,"item":{…}}
///     {"id":1,"ok":{…}}          or
///     {"id":1,"error":{"code":"notfound","message":"…"}}
///
/// The requests of one connection are answered one after the other, in order. Closing the connection ends the one under
/// way.
public struct ControlRequest: Sendable, Hashable {
  public var id: Int64
  /// What to do: `ps`, `call`, `tail`…
  public var operation: String
  public var arguments: JSONValue

  /// A line may have so many bytes, in both directions.
  public static let maxLine = 32 << 20

  public init(id: Int64, operation: String, arguments: JSONValue = .object([:])) {
    self.id = id
    self.operation = operation
    self.arguments = arguments
  }

  init(line: UnsafeRawBufferPointer) throws(ControlError) {
    let value: JSONValue
    do throws(JSONParseError) {
      value = try JSONValue(parsing: line, maxBytes: Self.maxLine, maxDepth: 128)
    } catch {
      throw ControlError(.invalid, "the request is no JSON: \(error)")
    }
    guard let members = value.object else { throw ControlError(.invalid, "the request is no JSON object") }
    guard let id = members["id"]?.int else { throw ControlError(.invalid, "the request has no integer 'id'") }
    guard let operation = members["op"]?.string, (1...64).contains(operation.utf8.count) else {
      throw ControlError(.invalid, "the request has no 'op' of 1 to 64 bytes")
    }
    self.init(id: id, operation: operation, arguments: members["args"] ?? .object([:]))
  }

  func encode() -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("id")
    writer.int(id)
    writer.key("op")
    writer.string(operation)
    writer.key("args")
    writer.value(arguments)
    writer.endObject()
    writer.append(byte: UInt8(ascii: "\n"))
    return Array(writer.bytes)
  }
}

/// Why a request failed.
public struct ControlError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The words for the failures of `bothost.h`.
  public enum Code: String, Sendable, CaseIterable {
    case retry, reject, invalid, denied, notfound, busy, timeout, cancelled, stale, nospace, unsupported, `internal`
    case conflict, cycle
    /// No host can be reached.
    case unreachable
  }

  public var code: Code
  public var message: String

  public var description: String { message }

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The failure that a plugin or the host answered with.
  public init(rc: bh_rc, _ message: String) {
    self.init(Code(rc: rc), message)
  }
}

extension ControlError.Code {
  public init(rc: bh_rc) {
    let all = Self.allCases
    let index = -Int(rc) - 1
    self = index >= 0 && index < all.count - 1 ? all[index] : .internal
  }

  /// The failure's number in `bothost.h`.
  public var rc: bh_rc {
    guard self != .unreachable, let index = Self.allCases.firstIndex(of: self) else { return bh_rc(BH_E_INTERNAL) }
    return bh_rc(-index - 1)
  }
}

/// One line of an answer.
enum ControlAnswer {
  case item(JSONValue)
  case success(JSONValue)
  case failure(ControlError)

  func encode(id: Int64) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("id")
    writer.int(id)
    switch self {
    case .item(let value):
      writer.key("item")
      writer.value(value)
    case .success(let value):
      writer.key("ok")
      writer.value(value)
    case .failure(let error):
      writer.key("error")
      writer.beginObject()
      writer.key("code")
      writer.string(error.code.rawValue)
      writer.key("message")
      writer.string(error.message)
      writer.endObject()
    }
    writer.endObject()
    writer.append(byte: UInt8(ascii: "\n"))
    return Array(writer.bytes)
  }

  static func decode(_ line: UnsafeRawBufferPointer) throws(ControlError) -> (id: Int64, answer: ControlAnswer) {
    let value: JSONValue
    do throws(JSONParseError) {
      value = try JSONValue(parsing: line, maxBytes: ControlRequest.maxLine)
    } catch {
      throw ControlError(.internal, "the host's answer is no JSON: \(error)")
    }
    guard let members = value.object, let id = members["id"]?.int else {
      throw ControlError(.internal, "the host's answer has no 'id'")
    }
    if let item = members["item"] { return (id, .item(item)) }
    if let result = members["ok"] { return (id, .success(result)) }
    guard let error = members["error"]?.object, let message = error["message"]?.string else {
      throw ControlError(.internal, "the host's answer has neither 'item' nor 'ok' nor 'error'")
    }
    let code = error["code"]?.string.flatMap(ControlError.Code.init(rawValue:)) ?? .internal
    return (id, .failure(ControlError(code, message)))
  }
}
