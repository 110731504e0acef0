import Glibc
import Synchronization

/// The secrets that must not appear in any text that leaves the host, and the replacing of them.
///
/// A secret is known as it is, as JSON writes it and as a URL carries it. Thread-safe.
public final class SecretMasks: Sendable {
  /// Shorter secrets are not masked: every word would be full of stars, and tell the secret by that.
  public static let minimumLength = 4

  /// What stands in a secret's place.
  public static let replacement = "***"

  private struct State {
    /// Longest first, so that of two secrets that begin alike the whole longer one is replaced.
    var forms: [Form] = []
    /// Whether a form begins with that byte.
    var begins = [Bool](repeating: false, count: 256)
  }

  private struct Form {
    let bytes: WipedBytes
    let token: UInt64
  }

  private let state = Mutex(State())
  private let nextToken = Atomic<UInt64>(1)
  private let isEmpty = Atomic<Bool>(true)

  public init() {}

  /// Masks the secret from now on, until `remove` with the token returned. Nil: it is shorter than `minimumLength` and
  /// is not masked.
  @discardableResult
  public func add(_ secret: UnsafeRawBufferPointer) -> UInt64? {
    guard secret.count >= Self.minimumLength else { return nil }
    let token = nextToken.add(1, ordering: .relaxed).oldValue
    var forms = [WipedBytes(secret)]
    for form in [Self.jsonForm(secret), Self.urlForm(secret)] where !form.bytes.elementsEqual(secret) {
      forms.append(form)
    }
    state.withLock { state in
      state.forms += forms.map { Form(bytes: $0, token: token) }
      Self.arrange(&state)
    }
    isEmpty.store(false, ordering: .releasing)
    return token
  }

  /// The same with a text.
  @discardableResult
  public func add(_ secret: String) -> UInt64? {
    var secret = secret
    return secret.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  /// Forgets a secret, for example after its plugin's configuration has changed.
  public func remove(_ token: UInt64) {
    state.withLock { state in
      state.forms.removeAll { $0.token == token }
      Self.arrange(&state)
      isEmpty.store(state.forms.isEmpty, ordering: .releasing)
    }
  }

  /// The text with every secret replaced. The text itself when there is none in it.
  public func mask(_ text: String) -> String {
    if isEmpty.load(ordering: .acquiring) { return text }
    var copy = text
    let masked: [UInt8]? = copy.withUTF8 { mask(UnsafeRawBufferPointer($0)) }
    return masked.map { String(decoding: $0, as: UTF8.self) } ?? text
  }

  /// The bytes with every secret replaced; nil when there is none in them.
  public func mask(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    if isEmpty.load(ordering: .acquiring) { return nil }
    return state.withLock { state in
      var masked: [UInt8]?
      var copied = 0
      var position = 0
      while position < text.count {
        guard state.begins[Int(text[position])], let length = Self.match(state.forms, text, position) else {
          position += 1
          continue
        }
        if masked == nil { masked = [] }
        masked?.append(contentsOf: text[copied..<position])
        masked?.append(contentsOf: Self.replacement.utf8)
        position += length
        copied = position
      }
      masked?.append(contentsOf: text[copied...])
      return masked
    }
  }

  private static func match(_ forms: [Form], _ text: UnsafeRawBufferPointer, _ position: Int) -> Int? {
    let left = text.count - position
    for form in forms {
      let secret = form.bytes.bytes
      guard secret.count <= left, let here = text.baseAddress, let there = secret.baseAddress else { continue }
      if memcmp(here + position, there, secret.count) == 0 { return secret.count }
    }
    return nil
  }

  private static func arrange(_ state: inout State) {
    state.forms.sort { $0.bytes.bytes.count > $1.bytes.bytes.count }
    state.begins = [Bool](repeating: false, count: 256)
    for form in state.forms { state.begins[Int(form.bytes.bytes[0])] = true }
  }

  private static func jsonForm(_ secret: UnsafeRawBufferPointer) -> WipedBytes {
    var writer = JSONWriter(capacity: secret.count * 6 + 2)
    writer.string(bytes: secret)
    return WipedBytes(UnsafeRawBufferPointer(rebasing: writer.bytes[1..<writer.count - 1]))
  }

  private static func urlForm(_ secret: UnsafeRawBufferPointer) -> WipedBytes {
    var form: [UInt8] = []
    form.reserveCapacity(secret.count * 3)
    for byte in secret {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        form.append(byte)
      default:
        form += [UInt8(ascii: "%"), hex(byte >> 4), hex(byte & 15)]
      }
    }
    return form.withUnsafeBytes { WipedBytes($0) }
  }

  private static func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? 48 + digit : 55 + digit }
}

/// Bytes that are overwritten before their memory is given back.
final class WipedBytes: @unchecked Sendable {
  /// Valid as long as the object lives; never changed after `init`.
  let bytes: UnsafeRawBufferPointer
  private let storage: UnsafeMutableRawBufferPointer

  init(_ source: UnsafeRawBufferPointer) {
    storage = .allocate(byteCount: max(1, source.count), alignment: 1)
    storage.copyMemory(from: source)
    bytes = UnsafeRawBufferPointer(start: storage.baseAddress, count: source.count)
  }

  deinit {
    if let base = storage.baseAddress { explicit_bzero(base, storage.count) }
    storage.deallocate()
  }
}
