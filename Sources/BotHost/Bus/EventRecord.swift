import CBotHost
import Glibc
import Synchronization

/// A block of event memory that one thread fills and others read.
///
/// The filler owns `bias` references beforehand and hands them out by counting on its own; when it is done with the
/// chunk it gives back what it did not hand out. So publishing counts without an atomic operation, and lanes give
/// references back in runs.
struct EventChunk: ~Copyable {
  /// References that are not given back.
  let references: Atomic<Int>
  /// Bytes that follow the header, `EventArena.padding` included.
  let capacity: Int
  var next: UnsafeMutablePointer<EventChunk>?

  static let bias = 1 << 40
  static let headerBytes = 64

  init(capacity: Int) {
    references = Atomic(Self.bias)
    self.capacity = capacity
  }
}

/// An event in memory: this header, then headers, key, correlation id, content type and payload. Written once by the
/// publisher, only read afterwards, except for `position`, which is set before any lane has it.
struct EventRecord {
  var chunk: UnsafeMutablePointer<EventChunk>
  /// Interned, or inside the record (private topics).
  var topic: UnsafePointer<UInt8>
  /// Interned: equal sources have equal pointers.
  var source: UnsafePointer<UInt8>
  var time: Int64
  var idLow: UInt64
  /// In the journal; 0: not durable.
  var position: Int64
  /// An `EventTracker` or a `MethodCall`, by `Kind`.
  var link: UnsafeMutableRawPointer?
  var payloadLength: UInt32
  var bytes: UInt32
  /// Of the `bh_event`.
  var flags: UInt32
  var kind: Kind
  var topicLength: UInt16
  var sourceLength: UInt16
  var keyLength: UInt16
  var correlationLength: UInt16
  var contentTypeLength: UInt16
  var headerCount: UInt16

  enum Kind: UInt32 {
    case plain = 0
    /// Durable or tracked: its settlement is more than a count.
    case special = 1
    /// The argument of a method call.
    case call = 2
    /// Plain, but it becomes a dead letter when nobody takes it. While it is published also one that will be special.
    case mandatory = 3
  }

  static let headerBytes = 96
  static let maximumText = Int(UInt16.max)
  static let maximumHeaders = 256
}

typealias EventPointer = UnsafeMutablePointer<EventRecord>

extension UnsafeMutablePointer<EventRecord> {
  @inline(__always)
  private var content: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) + EventRecord.headerBytes }

  @inline(__always)
  var headers: UnsafeMutablePointer<bh_header> { content.assumingMemoryBound(to: bh_header.self) }

  @inline(__always)
  var payload: UnsafeMutablePointer<UInt8> {
    (content + Int(pointee.headerCount) &* MemoryLayout<bh_header>.stride).assumingMemoryBound(to: UInt8.self)
  }

  @inline(__always)
  var key: UnsafeMutablePointer<UInt8> { payload + Int(pointee.payloadLength) }

  @inline(__always)
  var correlation: UnsafeMutablePointer<UInt8> { key + Int(pointee.keyLength) }

  @inline(__always)
  var contentType: UnsafeMutablePointer<UInt8> { correlation + Int(pointee.correlationLength) }

  /// Fills the view that a handler gets, except for what belongs to the delivery.
  @inline(__always)
  func fill(_ view: UnsafeMutablePointer<bh_event>) {
    let payload = payload
    let key = payload + Int(pointee.payloadLength)
    let correlation = key + Int(pointee.keyLength)
    view.pointee.flags = pointee.flags
    view.pointee.id = (UInt64(bitPattern: pointee.time), pointee.idLow)
    view.pointee.time_unix_ns = pointee.time
    view.pointee.topic = text(pointee.topic, pointee.topicLength)
    view.pointee.source = text(pointee.source, pointee.sourceLength)
    view.pointee.key = text(key, pointee.keyLength)
    view.pointee.correlation_id = text(correlation, pointee.correlationLength)
    view.pointee.content_type = text(correlation + Int(pointee.correlationLength), pointee.contentTypeLength)
    view.pointee.payload = bh_bytes(ptr: payload, len: Int(pointee.payloadLength))
    view.pointee.headers = pointee.headerCount == 0 ? nil : UnsafePointer(headers)
    view.pointee.header_count = UInt32(pointee.headerCount)
  }

  @inline(__always)
  private func text(_ bytes: UnsafePointer<UInt8>, _ length: UInt16) -> bh_str {
    bh_str(ptr: UnsafeRawPointer(bytes).assumingMemoryBound(to: CChar.self), len: Int(length))
  }
}

/// The parts of an event before it is one: borrowed bytes. `topic` and `source` must outlive the record unless
/// `copiesTopic`.
struct EventContent {
  var topic: UnsafeBufferPointer<UInt8>
  var source: UnsafeBufferPointer<UInt8>
  var key = UnsafeRawBufferPointer(start: nil, count: 0)
  var correlation = UnsafeRawBufferPointer(start: nil, count: 0)
  var contentType = UnsafeRawBufferPointer(start: nil, count: 0)
  var payload = UnsafeRawBufferPointer(start: nil, count: 0)
  var headers: UnsafePointer<bh_header>?
  var headerCount = 0
  var copiesTopic = false

  /// The bytes that a record of it takes; nil when a part is longer than a record can say.
  @inline(__always)
  func recordBytes(maximumPayload: Int) -> Int? {
    guard payload.count <= maximumPayload, key.count <= EventRecord.maximumText,
      correlation.count <= EventRecord.maximumText, contentType.count <= EventRecord.maximumText
    else { return nil }
    var bytes = EventRecord.headerBytes &+ payload.count &+ key.count &+ correlation.count &+ contentType.count
    if copiesTopic { bytes &+= topic.count }
    if headerCount > 0 {
      guard headerCount <= EventRecord.maximumHeaders, let headers else { return nil }
      for index in 0..<headerCount {
        let header = headers[index]
        let (name, value) = (header.name.bytes, header.value.bytes)
        guard name.count <= EventRecord.maximumText, value.count <= maximumPayload else { return nil }
        bytes &+= MemoryLayout<bh_header>.stride &+ name.count &+ value.count
      }
      guard bytes < 1 << 31 else { return nil }
    }
    return bytes
  }
}

extension EventContent {
  /// What a plugin publishes.
  @inline(__always)
  init(topic: UnsafeBufferPointer<UInt8>, source: UnsafeBufferPointer<UInt8>, _ event: UnsafePointer<bh_outgoing>) {
    self.init(topic: topic, source: source)
    key = event.pointee.key.bytes
    correlation = event.pointee.correlation_id.bytes
    contentType = event.pointee.content_type.bytes
    payload = event.pointee.payload.bytes
    headerCount = Int(event.pointee.header_count)
    headers = event.pointee.headers
  }
}

/// Event memory of the calling thread.
enum EventArena {
  static let chunkBytes = (64 << 10) - 128
  /// Readable bytes after every payload, for the vectorised JSON check.
  static let padding = 64

  /// Chunks that were given back; a short list, the rest goes back to malloc.
  private struct Pool: @unchecked Sendable {
    var first: UnsafeMutablePointer<EventChunk>?
    var count = 0
  }
  private static let pool = Mutex(Pool())
  private static let poolLimit = 64
  /// Chunks that are in use, for the leak checks of tests.
  static let chunksInUse = Atomic<Int>(0)

  /// Writes an event with one reference, which the caller owns. `bytes` is what `recordBytes` said.
  @inline(__always)
  static func make(
    _ content: EventContent, bytes: Int, flags: UInt32, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> EventPointer {
    let size = (bytes &+ 15) & ~15
    let owner: UnsafeMutablePointer<EventChunk>
    let record: EventPointer
    if let chunk = thread.pointee.chunk, thread.pointee.chunkUsed &+ size &+ padding <= chunkBytes {
      owner = chunk
      record = place(chunk, thread.pointee.chunkUsed)
      thread.pointee.chunkUsed &+= size
      thread.pointee.chunkGiven &+= 1
    } else {
      owner = chunkForNew(size, thread)
      record = place(owner, 0)
    }
    thread.pointee.idLow &+= 0x9E37_79B9_7F4A_7C15
    record.initialize(
      to: EventRecord(
        chunk: owner, topic: content.topic.baseAddress.unsafelyUnwrapped,
        source: content.source.baseAddress.unsafelyUnwrapped, time: thread.pointee.unix, idLow: thread.pointee.idLow,
        position: 0, link: nil, payloadLength: UInt32(truncatingIfNeeded: content.payload.count),
        bytes: UInt32(truncatingIfNeeded: size), flags: flags, kind: .plain,
        topicLength: UInt16(truncatingIfNeeded: content.topic.count),
        sourceLength: UInt16(truncatingIfNeeded: content.source.count),
        keyLength: UInt16(truncatingIfNeeded: content.key.count),
        correlationLength: UInt16(truncatingIfNeeded: content.correlation.count),
        contentTypeLength: UInt16(truncatingIfNeeded: content.contentType.count),
        headerCount: UInt16(truncatingIfNeeded: content.headerCount)))
    var out = UnsafeMutableRawPointer(record.payload)
    put(content.payload, &out)
    if content.key.count > 0 { put(content.key, &out) }
    if content.correlation.count > 0 { put(content.correlation, &out) }
    if content.contentType.count > 0 { put(content.contentType, &out) }
    if content.copiesTopic {
      record.pointee.topic = UnsafePointer(out.assumingMemoryBound(to: UInt8.self))
      put(UnsafeRawBufferPointer(content.topic), &out)
    }
    if content.headerCount > 0 { putHeaders(content, record, &out) }
    return record
  }

  @inline(__always)
  private static func put(_ bytes: UnsafeRawBufferPointer, _ out: inout UnsafeMutableRawPointer) {
    if let base = bytes.baseAddress {
      memcpy(out, base, bytes.count)
      out += bytes.count
    }
  }

  @inline(never)
  private static func putHeaders(
    _ content: EventContent, _ record: EventPointer, _ out: inout UnsafeMutableRawPointer
  ) {
    guard let headers = content.headers else { return }
    for index in 0..<content.headerCount {
      let name = out
      put(headers[index].name.bytes, &out)
      let value = out
      put(headers[index].value.bytes, &out)
      (record.headers + index).initialize(
        to: bh_header(
          name: bh_str(ptr: name.assumingMemoryBound(to: CChar.self), len: headers[index].name.bytes.count),
          value: bh_bytes(ptr: value.assumingMemoryBound(to: UInt8.self), len: headers[index].value.bytes.count)))
    }
  }

  /// Takes back the event that was made last, which nobody has seen.
  static func unmake(_ record: EventPointer, _ thread: UnsafeMutablePointer<ThreadContext>) {
    if record.pointee.chunk == thread.pointee.chunk {
      thread.pointee.chunkUsed -= Int(record.pointee.bytes)
      thread.pointee.chunkGiven -= 1
    } else {
      release(record.pointee.chunk, 1)
    }
  }

  /// Adds references to one that the caller owns.
  @inline(__always)
  static func retain(_ record: EventPointer, _ count: Int, _ thread: UnsafeMutablePointer<ThreadContext>) {
    if count == 0 { return }
    if record.pointee.chunk == thread.pointee.chunk {
      thread.pointee.chunkGiven &+= count
    } else {
      record.pointee.chunk.pointee.references.wrappingAdd(count, ordering: .relaxed)
    }
  }

  /// Gives back references; any thread.
  @inline(__always)
  static func release(_ chunk: UnsafeMutablePointer<EventChunk>, _ count: Int) {
    if chunk.pointee.references.wrappingSubtract(count, ordering: .acquiringAndReleasing).newValue == 0 { free(chunk) }
  }

  @inline(__always)
  static func release(_ record: EventPointer) { release(record.pointee.chunk, 1) }

  @inline(__always)
  private static func place(_ chunk: UnsafeMutablePointer<EventChunk>, _ offset: Int) -> EventPointer {
    (UnsafeMutableRawPointer(chunk) + EventChunk.headerBytes + offset).assumingMemoryBound(to: EventRecord.self)
  }

  /// A chunk whose first record this is: the thread's next one, or one for a large record alone.
  @inline(never)
  private static func chunkForNew(
    _ size: Int, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> UnsafeMutablePointer<EventChunk> {
    if size > chunkBytes / 4 {
      let chunk = allocate(size + padding)
      chunk.pointee.references.store(1, ordering: .relaxed)
      return chunk
    }
    retire(thread)
    let chunk = take() ?? allocate(chunkBytes)
    chunk.pointee.references.store(EventChunk.bias, ordering: .relaxed)
    thread.pointee.chunk = chunk
    thread.pointee.chunkUsed = size
    thread.pointee.chunkGiven = 1
    return chunk
  }

  /// Gives up the chunk that the thread fills.
  static func retire(_ thread: UnsafeMutablePointer<ThreadContext>) {
    guard let chunk = thread.pointee.chunk else { return }
    let unused = EventChunk.bias - thread.pointee.chunkGiven
    thread.pointee.chunk = nil
    thread.pointee.chunkGiven = 0
    thread.pointee.chunkUsed = 0
    release(chunk, unused)
  }

  private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<EventChunk> {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: EventChunk.headerBytes + capacity, alignment: 64)
    let chunk = memory.bindMemory(to: EventChunk.self, capacity: 1)
    chunk.initialize(to: EventChunk(capacity: capacity))
    chunksInUse.wrappingAdd(1, ordering: .relaxed)
    return chunk
  }

  private static func take() -> UnsafeMutablePointer<EventChunk>? {
    pool.withLock { pool in
      guard let chunk = pool.first else { return nil }
      pool.first = chunk.pointee.next
      pool.count -= 1
      chunk.pointee.next = nil
      chunksInUse.wrappingAdd(1, ordering: .relaxed)
      return chunk
    }
  }

  @inline(never)
  private static func free(_ chunk: UnsafeMutablePointer<EventChunk>) {
    chunksInUse.wrappingSubtract(1, ordering: .relaxed)
    let kept = pool.withLock { pool in
      guard chunk.pointee.capacity == chunkBytes, pool.count < poolLimit else { return false }
      chunk.pointee.next = pool.first
      pool.first = chunk
      pool.count += 1
      return true
    }
    guard !kept else { return }
    chunk.deinitialize(count: 1)
    UnsafeMutableRawPointer(chunk).deallocate()
  }
}
