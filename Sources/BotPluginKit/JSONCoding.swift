import CBotHost
import FoundationEssentials

/// `Codable` to and from the JSON that crosses the ABI. Objects are written with sorted keys, so that the same
/// value is always the same bytes.
enum JSONCoding {
  /// Where ``Secret`` finds the host while a configuration is decoded.
  static let hostKey = CodingUserInfoKey(rawValue: "bothost.host")

  private static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }()
  private static let decoder = JSONDecoder()

  /// Encodes once, so that the first state of a swap, which keeps a lane waiting, does not pay for what the
  /// runtime looks up the first time (some 200 µs). Decoding the configuration has done the same for the decoder.
  static func warmUp() { _ = try? encoder.encode(["": 0]) }

  /// Calls `body` with the value as JSON.
  static func withJSON<Result>(
    of value: some Encodable, _ body: (UnsafeRawBufferPointer) -> Result
  ) throws(PluginError) -> Result {
    let data: Data
    do { data = try encoder.encode(value) } catch {
      throw PluginError(.invalid, "a \(type(of: value)) cannot be written as JSON: \(describe(error))")
    }
    return data.withUnsafeBytes(body)
  }

  /// Decodes borrowed JSON. Empty bytes read as `null`. `what` names the JSON in the message.
  static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: UnsafeRawBufferPointer, _ what: @autoclosure () -> String, host: Host? = nil,
    code: PluginError.Code
  ) throws(PluginError) -> Value {
    let isConfiguration = type is any ManifestConfiguration.Type
    var decoder = Self.decoder
    if host != nil || isConfiguration {
      decoder = JSONDecoder()
      if let host, let hostKey { decoder.userInfo[hostKey] = host }
      // The manifest's keys only: what stands within their values is somebody else's.
      if isConfiguration {
        decoder.keyDecodingStrategy = .custom { path in
          let key = path[path.count - 1]
          return path.count == 1 ? Name(stringValue: ConfigurationKey.property(key.stringValue)) : key
        }
      }
    }
    do {
      guard let base = bytes.baseAddress, !bytes.isEmpty else {
        return try decoder.decode(type, from: Data("null".utf8))
      }
      let data = Data(
        bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: bytes.count, deallocator: .none)
      return try decoder.decode(type, from: data)
    } catch let error as PluginError {
      throw error
    } catch {
      throw PluginError(code, "\(what()) is no \(type): \(describe(error, isConfiguration: isConfiguration))")
    }
  }

  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// A coding error in one line: the JSON pointer of the place, and what is wrong there.
  static func describe(_ error: any Error, isConfiguration: Bool = false) -> String {
    let (context, what): (DecodingError.Context, String)
    switch error {
    case DecodingError.keyNotFound(let key, let found):
      let name = isConfiguration && found.codingPath.isEmpty ? ConfigurationKey.key(key.stringValue) : key.stringValue
      (context, what) = (found, "\"\(name)\" is missing")
    case DecodingError.valueNotFound(let type, let found):
      (context, what) = (found, "expected \(name(of: type)), found null")
    case DecodingError.typeMismatch(let type, let found):
      (context, what) = (found, "expected \(name(of: type)). \(found.debugDescription)")
    case DecodingError.dataCorrupted(let found):
      (context, what) = (found, found.debugDescription)
    case EncodingError.invalidValue(_, let found):
      return "\(pointer(found.codingPath)): \(found.debugDescription)"
    default: return String(describing: error)
    }
    var path = context.codingPath
    if isConfiguration, let first = path.first { path[0] = Name(stringValue: ConfigurationKey.key(first.stringValue)) }
    return "\(pointer(path)): \(what)"
  }

  /// A coding path as an RFC 6901 pointer; "/" alone stands for the whole.
  static func pointer(_ path: [any CodingKey]) -> String {
    if path.isEmpty { return "the whole" }
    var text = ""
    for key in path {
      text += "/"
      for character in key.intValue.map(String.init) ?? key.stringValue {
        switch character {
        case "~": text += "~0"
        case "/": text += "~1"
        default: text.append(character)
        }
      }
    }
    return text
  }

  private static func name(of type: Any.Type) -> String {
    if type == String.self { return "a string" }
    if type == Bool.self { return "true or false" }
    if type is any BinaryInteger.Type { return "an integer" }
    if type is any BinaryFloatingPoint.Type { return "a number" }
    let name = String(describing: type)
    if name.hasPrefix("Array<") { return "a list" }
    if name.hasPrefix("Dictionary<") { return "an object" }
    return name
  }
}
