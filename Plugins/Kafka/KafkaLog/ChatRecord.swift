/// Writes a line of chat as the record of a chat topic:
/// `{"v":1,"channel":…,"username":…,"display_name":…,"user_id":…,"message":…,"id":…,"ts":ms,"action":false,"reply_to":null}`; the key is the channel.
public struct ChatRecord {
  private var out: [UInt8] = []
  private var key: [UInt8] = []

  public init() {}

  /// Writes the record of an event of `chat.message`, whose payload is
  /// `{platform, instance, channel: {id, name}, author: {id, name, …}, message: {id, text, reply_to}, private}`.
  ///
  /// - Parameters:
  ///   - time: milliseconds since 1970 at which the event was published.
  ///   - body: gets the key and the value, borrowed.
  /// - Returns: `nil` when the payload is no such thing: the channel and the text must be there.
  public mutating func withRecord<Result>(
    of payload: UnsafeRawBufferPointer, time: Int64, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
  ) -> Result? {
    var parts = Parts()
    var cursor = JSONCursor(payload)
    guard parts.read(&cursor), cursor.atEnd(), let channel = parts.channelName ?? parts.channelID, let text = parts.text
    else { return nil }
    key.removeAll(keepingCapacity: true)
    key.append(contentsOf: JSONString.unescape(UnsafeRawBufferPointer(rebasing: payload[channel])).utf8)
    out.removeAll(keepingCapacity: true)
    out.append(contentsOf: "{\"v\":1".utf8)
    member("channel", payload, channel)
    member("username", payload, parts.login ?? parts.authorName)
    member("display_name", payload, parts.authorName)
    member("user_id", payload, parts.authorID)
    member("message", payload, text)
    member("id", payload, parts.messageID)
    out.append(contentsOf: ",\"ts\":\(time),\"action\":\(parts.action)".utf8)
    member("reply_to", payload, parts.replyTo)
    out.append(UInt8(ascii: "}"))
    return key.withUnsafeBytes { key in out.withUnsafeBytes { value in body(key, value) } }
  }

  private mutating func member(_ name: StaticString, _ payload: UnsafeRawBufferPointer, _ content: Range<Int>?) {
    out.append(contentsOf: ",\"".utf8)
    out.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    out.append(contentsOf: "\":".utf8)
    guard let content else {
      out.append(contentsOf: "null".utf8)
      return
    }
    out.append(0x22)
    out.append(contentsOf: payload[content])
    out.append(0x22)
  }

  /// Where the parts stand in the payload, still escaped.
  private struct Parts {
    var channelID: Range<Int>?
    var channelName: Range<Int>?
    var authorID: Range<Int>?
    var authorName: Range<Int>?
    var login: Range<Int>?
    var messageID: Range<Int>?
    var text: Range<Int>?
    var replyTo: Range<Int>?
    var action = false

    mutating func read(_ cursor: inout JSONCursor) -> Bool {
      guard cursor.peek() == UInt8(ascii: "{") else { return false }
      var acted = false
      let whole = cursor.members { name, cursor in
        let name = cursor.bytes[name]
        guard cursor.peek() == UInt8(ascii: "{") else { return cursor.skipValue(depth: 1) }
        if name.elementsEqual("channel".utf8) {
          return Self.strings(&cursor, &acted) { name, content in
            if name.elementsEqual("id".utf8) { channelID = content }
            if name.elementsEqual("name".utf8) { channelName = content }
          }
        }
        if name.elementsEqual("author".utf8) {
          return Self.strings(&cursor, &acted) { name, content in
            if name.elementsEqual("id".utf8) { authorID = content }
            if name.elementsEqual("name".utf8) { authorName = content }
            if name.elementsEqual("login".utf8) { login = content }
          }
        }
        if name.elementsEqual("message".utf8) {
          return Self.strings(&cursor, &acted) { name, content in
            if name.elementsEqual("id".utf8) { messageID = content }
            if name.elementsEqual("text".utf8) { text = content }
            if name.elementsEqual("reply_to".utf8) { replyTo = content }
          }
        }
        return cursor.skipValue(depth: 1)
      }
      action = acted
      return whole
    }

    /// Goes through an object's members and hands over those that are strings; notes `"action": true`.
    private static func strings(
      _ cursor: inout JSONCursor, _ acted: inout Bool, _ body: (Slice<UnsafeRawBufferPointer>, Range<Int>) -> Void
    ) -> Bool {
      cursor.members { name, cursor in
        let name = cursor.bytes[name]
        if cursor.peek() == 0x22 {
          guard let content = cursor.stringContent() else { return false }
          body(name, content)
          return true
        }
        guard let value = cursor.value() else { return false }
        if name.elementsEqual("action".utf8), cursor.bytes[value].elementsEqual("true".utf8) { acted = true }
        return true
      }
    }
  }
}
