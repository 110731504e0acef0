import CCurl
import Glibc
import Synchronization

/// The thread on which libcurl works, and what it is handed by others.
///
/// libcurl's own loop (`curl_multi_poll`) waits for sockets and for whoever wakes it; nothing here turns in circles.
final class TransferLoop: @unchecked Sendable {
  // Unchecked: `multi` is only woken by others, which libcurl permits; everything else but `shared` belongs to the thread.

  /// What other threads hand over.
  private struct Shared {
    var incoming: [(number: UInt64, exchange: Handed)] = []
    var cancelled: [UInt64] = []
    /// Those that are not over, the waiting ones too.
    var count = 0
    var isClosing = false
    var nextNumber: UInt64 = 1
  }

  /// An exchange on its way to the thread. Nobody keeps another reference.
  private struct Handed: @unchecked Sendable { let exchange: Exchange }

  private struct Running {
    let number: UInt64
    let exchange: Exchange
    let handle: EasyHandle
  }

  private let shared = Mutex(Shared())
  private let multi: UnsafeMutableRawPointer
  private let concurrency: Int
  private let capacity: Int
  private var running: [UnsafeMutableRawPointer: Running] = [:]
  private var waiting: [(number: UInt64, exchange: Exchange)] = []

  private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// - Parameters:
  ///   - concurrency: how many transfers are under way at once.
  ///   - queue: how many more may wait.
  init(concurrency: Int, queue: Int) throws(HTTPFailure) {
    guard Self.isReady, let multi = curl_multi_init() else {
      throw HTTPFailure(.busy, "libcurl cannot be started: there is no memory")
    }
    self.multi = multi
    self.concurrency = max(1, concurrency)
    capacity = self.concurrency + max(0, queue)
    _ = ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, self.concurrency)
  }

  deinit { curl_multi_cleanup(multi) }

  // MARK: From any thread

  /// Hands an exchange to the thread.
  ///
  /// - Throws: `busy` and `cancelled`; the exchange has then not been taken.
  func submit(_ exchange: sending Exchange) throws(HTTPFailure) -> UInt64 {
    let handed = Handed(exchange: exchange)
    let result = shared.withLock { shared -> Result<UInt64, HTTPFailure> in
      if shared.isClosing { return .failure(Self.closed) }
      if shared.count >= capacity { return .failure(HTTPFailure(.busy, "too many requests wait; ask again later")) }
      shared.count += 1
      let number = shared.nextNumber
      shared.nextNumber += 1
      shared.incoming.append((number, handed))
      return .success(number)
    }
    curl_multi_wakeup(multi)
    return try result.get()
  }

  func cancel(_ number: UInt64) {
    shared.withLock { $0.cancelled.append(number) }
    curl_multi_wakeup(multi)
  }

  /// Has the thread fail everything and return.
  func close() {
    shared.withLock { $0.isClosing = true }
    curl_multi_wakeup(multi)
  }

  private static let closed = HTTPFailure(.cancelled, "the request was given up because its plugin ends")

  // MARK: The thread

  func run() {
    while takeOver() {
      startWaiting()
      var count: Int32 = 0
      curl_multi_perform(multi, &count)
      if finishEnded() { continue }
      // What waits has a deadline of its own; what runs is libcurl's to time.
      let next = waiting.map(\.exchange.deadline).min().map { ($0 - Exchange.now) / 1_000_000 + 1 } ?? 60_000
      curl_multi_poll(multi, nil, 0, Int32(max(0, min(next, 60_000))), nil)
    }
    for (_, transfer) in running {
      curl_multi_remove_handle(multi, transfer.handle.pointer)
      transfer.exchange.complete(failed: Self.closed)
    }
    for (_, exchange) in waiting { exchange.complete(failed: Self.closed) }
    running = [:]
    waiting = []
  }

  /// Takes what others have handed over. Answers whether to go on.
  private func takeOver() -> Bool {
    let (incoming, cancelled, isClosing) = shared.withLock { shared in
      defer {
        shared.incoming = []
        shared.cancelled = []
      }
      return (shared.incoming, shared.cancelled, shared.isClosing)
    }
    waiting += incoming.map { ($0.number, $0.exchange.exchange) }
    for number in cancelled { giveUp(number) }
    return !isClosing
  }

  private func giveUp(_ number: UInt64) {
    let failure = HTTPFailure(.cancelled, "the request was cancelled")
    if let place = waiting.firstIndex(where: { $0.number == number }) {
      end(waiting.remove(at: place).exchange, failure)
    } else if let transfer = running.values.first(where: { $0.number == number }) {
      stop(transfer)
      end(transfer.exchange, failure)
    }
  }

  private func startWaiting() {
    let now = Exchange.now
    for (_, exchange) in waiting where exchange.deadline <= now { end(exchange, exchange.timedOut) }
    waiting.removeAll { $0.exchange.deadline <= now }
    while running.count < concurrency, !waiting.isEmpty {
      let (number, exchange) = waiting.removeFirst()
      do { start(Running(number: number, exchange: exchange, handle: try EasyHandle())) } catch { end(exchange, error) }
    }
  }

  private func start(_ transfer: Running) {
    do throws(HTTPFailure) {
      guard transfer.exchange.deadline > Exchange.now else { throw transfer.exchange.timedOut }
      try transfer.exchange.configure(transfer.handle)
      try transfer.handle.check()
    } catch {
      end(transfer.exchange, error)
      return
    }
    guard curl_multi_add_handle(multi, transfer.handle.pointer) == CURLM_OK else {
      end(transfer.exchange, HTTPFailure(.busy, "there is no memory for another request"))
      return
    }
    running[transfer.handle.pointer] = transfer
  }

  private func stop(_ transfer: Running) {
    curl_multi_remove_handle(multi, transfer.handle.pointer)
    running[transfer.handle.pointer] = nil
  }

  private func end(_ exchange: Exchange, _ failure: HTTPFailure?) {
    shared.withLock { $0.count -= 1 }
    if let failure { exchange.complete(failed: failure) }
  }

  /// Answers whether something may be started now.
  private func finishEnded() -> Bool {
    var hasEnded = false
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      // The message goes with the handle: read it first.
      guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
      let code = message.pointee.data.result
      guard let transfer = running[handle] else { continue }
      stop(transfer)
      finish(transfer, code)
      hasEnded = true
    }
    return hasEnded
  }

  private func finish(_ transfer: Running, _ code: CURLcode) {
    let exchange = transfer.exchange
    do throws(HTTPFailure) {
      guard code == CURLE_OK || exchange.isEnough(code) else { throw exchange.failure(of: code, transfer.handle) }
      switch try exchange.succeeded(transfer.handle) {
      case .again: start(transfer)
      case .over: end(exchange, nil)
      }
    } catch { end(exchange, error) }
  }
}
