import CBotHost

/// A topic that the host has looked up once, so that publishing to it needs no look-up by name. Valid for the life
/// of the plugin object.
public struct Topic: Hashable, Sendable, CustomStringConvertible {
  public let name: String
  @usableFromInline let reference: UInt64
  public var description: String { name }
}

/// One header of an event to publish.
public struct EventHeader: Hashable, Sendable {
  public var name: String
  public var value: [UInt8]

  public init(_ name: String, _ value: String) { self.init(name, bytes: Array(value.utf8)) }
  public init(_ name: String, bytes: [UInt8]) {
    self.name = name
    value = bytes
  }
}

/// Told how a published event ended: success when every handler that it reached has acknowledged it, or there was
/// none; `reject` when one gave it to the dead letters, or when none took it and the manifest calls the topic `mandatory`; `cancelled` when it never came out because the delivery
/// whose effect it was failed; `stale` when this generation ends before it is known. Called once in every case, before the plugin is
/// destroyed. Runs on the lane, so it may touch the plugin.
public typealias PublishCompletion = (Result<Void, PluginError>) -> Void

/// Told how events ended that were published with a number, as a ``PublishCompletion`` is, for plugins with many of them: the host
/// carries the number, and no closure has to be made for each.
public protocol PublishReceiver: AnyObject, Sendable {
  /// On the lane, once for each event, before the plugin is destroyed.
  func published(_ number: UInt64, _ result: Result<Void, PluginError>)
}

/// What the host carries for a ``PublishReceiver``.
private struct PublishTicket {
  let receiver: any PublishReceiver
  let number: UInt64

  static func make(_ receiver: any PublishReceiver, _ number: UInt64) -> UnsafeMutablePointer<PublishTicket> {
    let ticket = UnsafeMutablePointer<PublishTicket>.allocate(capacity: 1)
    ticket.initialize(to: PublishTicket(receiver: receiver, number: number))
    return ticket
  }

  static func take(_ context: UnsafeMutableRawPointer) -> PublishTicket {
    let ticket = context.assumingMemoryBound(to: PublishTicket.self)
    defer { ticket.deallocate() }
    return ticket.move()
  }

  static let tell: bh_publish_settled = { context, rc, message in
    guard let context else { return }
    let ticket = take(context)
    ticket.receiver.published(
      ticket.number,
      rc < 0 ? .failure(PluginError(PluginError.Code(rawValue: rc), message.string)) : .success(()))
  }
}

/// What the host carries for a ``PublishCompletion``.
private final class PublishNotice {
  let completion: PublishCompletion
  init(_ completion: @escaping PublishCompletion) { self.completion = completion }

  static let tell: bh_publish_settled = { context, rc, message in
    guard let context else { return }
    let notice = Unmanaged<PublishNotice>.fromOpaque(context).takeRetainedValue()
    notice.completion(
      rc < 0 ? .failure(PluginError(PluginError.Code(rawValue: rc), message.string)) : .success(()))
  }
}

extension Host {
  /// Looks a topic up. Throws when the name is no topic. Permitted in `init`.
  public func topic(_ name: String) throws(PluginError) -> Topic {
    let core = try core
    let reference = name.withABIText { core.pointee.topic(pointer, $0) }
    guard reference != 0 else {
      throw .invalid("\"\(name)\" is no topic: it needs dotted parts of letters, digits, _ and -")
    }
    return Topic(name: name, reference: reference)
  }

  /// Whether an event on the topic, published now, would reach anybody: a handler, the journal, somebody who watches, the dead letters (of a
  /// topic that the manifest calls `mandatory`). False spares the plugin the making of a payload that nobody would read; for topics with many events.
  public func isWanted(_ topic: Topic) -> Bool {
    guard alive.load(ordering: .relaxed) else { return false }
    guard Int(table.pointee.size) > Self.wantedOffset, let wanted = table.pointee.wanted else { return true }
    return wanted(pointer, topic.reference) != 0
  }

  private static let wantedOffset = MemoryLayout<bh_host_api>.offset(of: \.wanted) ?? .max

  /// Publishes a value as JSON.
  ///
  /// - Parameters:
  ///   - key: the ordering key; what has equal topic and key is handled in the order in which it was published.
  ///   - effectOf: a delivery whose effect this is: the event comes out when that delivery is acknowledged, and
  ///     never when it is not. ``DeliveryToken/none``: it comes out now.
  ///   - correlationID: empty for that of the delivery.
  ///   - settled: told once, on the lane, how the event ended. Not called when this throws.
  /// - Throws: `denied` for a topic that the manifest does not declare, or in standby; `busy` where waiting for a
  ///   full lane would close a circle; `invalid` for what is no JSON.
  public func publish(
    _ topic: Topic, _ value: some Encodable, key: some TextBytes = "", effectOf delivery: DeliveryToken = .none,
    correlationID: some TextBytes = "", headers: [EventHeader] = [], settled: PublishCompletion? = nil
  ) throws(PluginError) {
    let result = try JSONCoding.withJSON(of: value) { bytes in
      send(topic, bytes, contentType: "", key: key, delivery, correlationID, headers, settled)
    }
    try result.get()
  }

  /// Publishes JSON that lies ready. Copies nothing on this side of the ABI and allocates nothing.
  public func publish(
    _ topic: Topic, json: UnsafeRawBufferPointer, key: some TextBytes = "", effectOf delivery: DeliveryToken = .none,
    correlationID: some TextBytes = "", headers: [EventHeader] = [], settled: PublishCompletion? = nil
  ) throws(PluginError) {
    try send(topic, json, contentType: "", key: key, delivery, correlationID, headers, settled).get()
  }

  /// Publishes JSON that lies ready; how the event ended is told to `receiver`, which is kept until then.
  public func publish(
    _ topic: Topic, json: UnsafeRawBufferPointer, key: some TextBytes = "", settledTo receiver: any PublishReceiver,
    number: UInt64
  ) throws(PluginError) {
    let ticket = PublishTicket.make(receiver, number)
    let result = send(topic, json, contentType: "", key: key, .none, "", [], PublishTicket.tell, ticket)
    // Nothing was published, so nobody will tell how it ended.
    if case .failure = result { _ = PublishTicket.take(ticket) }
    try result.get()
  }

  /// Publishes bytes of another type than JSON. Copies nothing on this side of the ABI and allocates nothing.
  public func publish(
    _ topic: Topic, bytes: UnsafeRawBufferPointer, contentType: StaticString = "application/octet-stream",
    key: some TextBytes = "", effectOf delivery: DeliveryToken = .none, correlationID: some TextBytes = "",
    headers: [EventHeader] = [], settled: PublishCompletion? = nil
  ) throws(PluginError) {
    try send(topic, bytes, contentType: contentType, key: key, delivery, correlationID, headers, settled).get()
  }

  /// Publishes what `write` puts into a buffer that is used again and again: nothing is allocated once it has
  /// grown.
  public func publish(
    _ topic: Topic, key: some TextBytes = "", effectOf delivery: DeliveryToken = .none,
    correlationID: some TextBytes = "", headers: [EventHeader] = [], settled: PublishCompletion? = nil,
    _ write: (inout JSONBuffer) throws -> Void
  ) throws {
    let buffer = takeBuffer()
    defer { giveBack(buffer) }
    try write(&buffer.pointee)
    try send(topic, buffer.pointee.bytes, contentType: "", key: key, delivery, correlationID, headers, settled).get()
  }

  @inline(__always)
  private func send(
    _ topic: Topic, _ payload: UnsafeRawBufferPointer, contentType: StaticString, key: some TextBytes,
    _ delivery: DeliveryToken, _ correlationID: some TextBytes, _ headers: [EventHeader],
    _ settled: PublishCompletion?
  ) -> Result<Void, PluginError> {
    guard let settled else {
      return send(topic, payload, contentType: contentType, key: key, delivery, correlationID, headers, nil, nil)
    }
    let notice = Unmanaged.passRetained(PublishNotice(settled))
    let result = send(
      topic, payload, contentType: contentType, key: key, delivery, correlationID, headers, PublishNotice.tell,
      notice.toOpaque())
    // Nothing was published, so nobody will tell how it ended.
    if case .failure = result { notice.release() }
    return result
  }

  @inline(__always)
  private func send(
    _ topic: Topic, _ payload: UnsafeRawBufferPointer, contentType: StaticString, key: some TextBytes,
    _ delivery: DeliveryToken, _ correlationID: some TextBytes, _ headers: [EventHeader],
    _ settled: bh_publish_settled?, _ context: UnsafeMutableRawPointer?
  ) -> Result<Void, PluginError> {
    guard alive.load(ordering: .relaxed) else { return .failure(Self.gone) }
    var event = bh_outgoing()
    event.size = UInt32(MemoryLayout<bh_outgoing>.size)
    event.topic_ref = topic.reference
    event.payload = bh_bytes(payload)
    if contentType.utf8CodeUnitCount > 0, contentType.hasPointerRepresentation {
      event.content_type = bh_str(
        UnsafeRawBufferPointer(start: contentType.utf8Start, count: contentType.utf8CodeUnitCount))
    }
    event.settled = settled
    event.settled_context = context
    let rc = withUnsafeMutablePointer(to: &event) { event in
      key.withABIText { key in
        correlationID.withABIText { correlation in
          event.pointee.key = key
          event.pointee.correlation_id = correlation
          if headers.isEmpty { return table.pointee.publish(pointer, delivery.rawValue, event) }
          return withABIHeaders(headers) { headers, count in
            event.pointee.headers = headers
            event.pointee.header_count = count
            return table.pointee.publish(pointer, delivery.rawValue, event)
          }
        }
      }
    }
    guard rc < 0 else { return .success(()) }
    return .failure(Self.refused(topic, rc))
  }

  @inline(never)
  private static func refused(_ topic: Topic, _ rc: bh_rc) -> PluginError {
    let code = PluginError.Code(rawValue: rc)
    let hint =
      switch code {
      case .denied: "the manifest's `topics:` does not declare it, or the plugin is in standby"
      case .invalid: "the payload is no well-formed JSON, and no other content type was given"
      case .busy: "a subscriber's lane is full"
      default: code.description
      }
    return PluginError(code, "publish to \(topic.name): \(hint)")
  }

  private func takeBuffer() -> UnsafeMutablePointer<JSONBuffer> {
    if let spare = spareBuffer.exchange(nil, ordering: .acquiring) {
      spare.pointee.removeAll()
      return spare
    }
    let fresh = UnsafeMutablePointer<JSONBuffer>.allocate(capacity: 1)
    fresh.initialize(to: JSONBuffer())
    return fresh
  }

  private func giveBack(_ buffer: UnsafeMutablePointer<JSONBuffer>) {
    if let other = spareBuffer.exchange(buffer, ordering: .acquiringAndReleasing) {
      other.deinitialize(count: 1)
      other.deallocate()
    }
  }
}

/// Headers as the ABI wants them, for the length of `body`.
func withABIHeaders<Result>(
  _ headers: [EventHeader], _ body: (UnsafePointer<bh_header>?, UInt32) -> Result
) -> Result {
  if headers.isEmpty { return body(nil, 0) }
  var text: [UInt8] = []
  for header in headers {
    text.append(contentsOf: header.name.utf8)
    text.append(contentsOf: header.value)
  }
  return text.withUnsafeBytes { text in
    var at = 0
    func next(_ count: Int) -> UnsafeRawBufferPointer {
      defer { at += count }
      return UnsafeRawBufferPointer(rebasing: text[at..<at + count])
    }
    let views = headers.map { bh_header(name: bh_str(next($0.name.utf8.count)), value: bh_bytes(next($0.value.count))) }
    return views.withUnsafeBufferPointer { body($0.baseAddress, UInt32($0.count)) }
  }
}
