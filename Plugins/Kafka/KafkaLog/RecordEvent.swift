/// Writes a record as the payload of the event `kafka.record`.
///
/// The members are `topic`, `partition`, `offset`, `ts` (milliseconds, or null), `key`, `value`, `raw`, `json`, `channel`, `message`, `reply_to` and
/// `headers`:
/// - `raw` is the record's value as text. Where it is not UTF-8 it is in base64, and `encoding` says so.
/// - `json` is the value itself, when it is a JSON object or array; otherwise null.
/// - `channel`, `message` and `reply_to` are the members of that name, when the value is a JSON object in which they are strings; otherwise
///   null. A value that is plain text is the `message`.
/// - `value` is what a bot that passes the record on wants to say: `message` where there is one, else `raw`.
///
/// One writer is used for many records: its buffer is kept.
public struct RecordEvent {
  private var out: [UInt8] = []

  public init() {}

  /// Writes one record and lends the JSON text to `body`.
  public mutating func withPayload<Result>(
    of record: IncomingRecord, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    out.removeAll(keepingCapacity: true)
    name("topic", first: true)
    JSONString.append(record.topic, to: &out)
    name("partition")
    number(Int64(record.partition))
    name("offset")
    number(record.offset)
    name("ts")
    if record.timestamp < 0 { null() } else { number(record.timestamp) }
    name("key")
    text(record.key)
    write(value: record.value)
    name("headers")
    write(headers: record.headers)
    out.append(UInt8(ascii: "}"))
    return out.withUnsafeBytes(body)
  }

  private mutating func write(value: UnsafeRawBufferPointer?) {
    let chat = ChatLine(value)
    name("value")
    let isText = chat.isText
    var raw: Range<Int>?
    if let value, let message = chat.message {
      literal(value, message)
    } else {
      let start = out.count
      text(value, isText)
      raw = start..<out.count
    }
    name("raw")
    if let raw { copy(raw) } else { text(value, isText) }
    if value != nil, !isText {
      name("encoding")
      out.append(contentsOf: "\"base64\"".utf8)
    }
    name("json")
    if let value, chat.isStructured { out.append(contentsOf: value) } else { null() }
    name("channel")
    literal(value, chat.channel)
    name("message")
    if chat.isPlainText, let raw { copy(raw) } else { literal(value, chat.message) }
    name("reply_to")
    literal(value, chat.replyTo)
  }

  /// Writes headers as an object; of those with the same name the last one stands.
  private mutating func write(headers: [RecordHeader]) {
    out.append(UInt8(ascii: "{"))
    var first = true
    for (index, header) in headers.enumerated() {
      if headers[(index + 1)...].contains(where: { $0.name.elementsEqual(header.name) }) { continue }
      if !first { out.append(UInt8(ascii: ",")) }
      first = false
      JSONString.append(header.name, to: &out)
      out.append(UInt8(ascii: ":"))
      text(header.value)
    }
    out.append(UInt8(ascii: "}"))
  }

  private mutating func name(_ name: StaticString, first: Bool = false) {
    out.append(UInt8(ascii: first ? "{" : ","))
    out.append(UInt8(ascii: "\""))
    out.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    out.append(contentsOf: "\":".utf8)
  }

  private mutating func number(_ number: Int64) { Decimal.append(number, to: &out) }

  private mutating func null() { out.append(contentsOf: "null".utf8) }

  private mutating func text(_ bytes: UnsafeRawBufferPointer?) {
    text(bytes, bytes.map { UTF8Text.isValid($0) } ?? false)
  }

  private mutating func text(_ bytes: UnsafeRawBufferPointer?, _ isText: Bool) {
    guard let bytes else { return null() }
    if isText { return JSONString.append(valid: bytes, to: &out) }
    out.append(0x22)
    UTF8Text.appendBase64(bytes, to: &out)
    out.append(0x22)
  }

  /// Writes again what stands in the payload already.
  private mutating func copy(_ range: Range<Int>) {
    let end = out.count
    out.append(contentsOf: repeatElement(0, count: range.count))
    out.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      (base + end).copyMemory(from: base + range.lowerBound, byteCount: range.count)
    }
  }

  /// Copies a string of the value, which is escaped already.
  private mutating func literal(_ value: UnsafeRawBufferPointer?, _ range: Range<Int>?) {
    guard let value, let range else { return null() }
    out.append(0x22)
    out.append(contentsOf: UnsafeRawBufferPointer(rebasing: value[range]))
    out.append(0x22)
  }
}

/// What a record's value says as a line of chat: JSON `{channel?, message, reply_to?}`, or plain text.
struct ChatLine {
  /// Whether the value is UTF-8.
  private(set) var isText = false
  /// Whether the value is a JSON object or array.
  private(set) var isStructured = false
  /// Whether the value is text and no JSON object or array.
  private(set) var isPlainText = false
  /// Contents of strings in the value, still escaped.
  private(set) var channel: Range<Int>?
  private(set) var message: Range<Int>?
  private(set) var replyTo: Range<Int>?

  init(_ value: UnsafeRawBufferPointer?) {
    guard let value, UTF8Text.isValid(value) else { return }
    isText = true
    var cursor = JSONCursor(value)
    let first = cursor.peek()
    guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
      isPlainText = true
      return
    }
    var found = (channel: Range<Int>?.none, message: Range<Int>?.none, replyTo: Range<Int>?.none)
    var whole: Bool
    if first == UInt8(ascii: "{") {
      whole = cursor.members { name, cursor in
        let name = value[name]
        guard cursor.peek() == 0x22 else { return cursor.skipValue(depth: 1) }
        guard let content = cursor.stringContent() else { return false }
        if name.elementsEqual("channel".utf8) { found.channel = content }
        if name.elementsEqual("message".utf8) { found.message = content }
        if name.elementsEqual("reply_to".utf8) { found.replyTo = content }
        return true
      }
    } else {
      whole = cursor.skipValue()
    }
    whole = whole && cursor.atEnd()
    isStructured = whole
    isPlainText = !whole
    if whole { (channel, message, replyTo) = found }
  }
}
