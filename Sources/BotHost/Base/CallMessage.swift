import Glibc

/// Why the call into a plugin that just returned has failed, in the plugin's words.
///
/// `set_error` of the ABI writes it; whoever made the call takes it right after the call has returned. It belongs to the thread,
/// as the call does, holds at most 1,024 bytes and is never read across threads.
public enum CallMessage {
  private static let capacity = 1024

  private struct Slot {
    var code: Int32 = 0
    var length = 0
  }

  /// The slot and the text behind it, made at a thread's first message and freed with the thread.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { free($0) }
    return key
  }()

  private static func slot(making: Bool) -> UnsafeMutableRawPointer? {
    if let existing = pthread_getspecific(key) { return existing }
    guard making, let made = malloc(MemoryLayout<Slot>.stride + capacity) else { return nil }
    made.storeBytes(of: Slot(), as: Slot.self)
    pthread_setspecific(key, made)
    return made
  }

  /// Where the length of the calling thread's message stands; 0 there means that there is none. Whoever enters a plugin often
  /// sets it to 0 first, so that a failure is not explained by what an earlier call has left. Nil only without memory.
  static func pendingLength() -> UnsafeMutablePointer<Int>? {
    guard let slot = slot(making: true), let offset = MemoryLayout<Slot>.offset(of: \Slot.length) else { return nil }
    return (slot + offset).assumingMemoryBound(to: Int.self)
  }

  /// Keeps the text until it is taken; the last one wins. Too long a text is cut at a character's boundary.
  public static func set(_ code: Int32, _ text: UnsafeRawBufferPointer) {
    guard let slot = slot(making: true) else { return }
    var length = min(text.count, capacity)
    if length < text.count {
      while length > 0, text[length] & 0xC0 == 0x80 { length -= 1 }
    }
    if length > 0, let source = text.baseAddress {
      memcpy(slot + MemoryLayout<Slot>.stride, source, length)
    }
    slot.storeBytes(of: Slot(code: code, length: length), as: Slot.self)
  }

  /// The same with a text.
  public static func set(_ code: Int32, _ text: String) {
    var text = text
    text.withUTF8 { set(code, UnsafeRawBufferPointer($0)) }
  }

  /// The text, once. Nil when the call said nothing.
  public static func take() -> String? {
    guard let slot = slot(making: false) else { return nil }
    let length = slot.load(as: Slot.self).length
    guard length > 0 else { return nil }
    let text = UnsafeRawBufferPointer(start: slot + MemoryLayout<Slot>.stride, count: length)
    defer { slot.storeBytes(of: Slot(), as: Slot.self) }
    return String(decoding: text, as: UTF8.self)
  }
}
