import CBotHost
import Foundation
import Synchronization
import Testing

@testable import BotPluginKit

/// A host as the ABI sees one, which keeps what a plugin does for a test to look at. Everything happens on the
/// calling thread, except threads and tasks, and what they touch is behind one lock.
final class FakeHost: @unchecked Sendable {
  struct Published: Equatable {
    var topic: String
    var payload: String
    var key: String
    var delivery: UInt64
    var contentType: String
    var correlation: String
    var headers: [String: String]
  }
  struct Settled: Equatable {
    var delivery: UInt64
    var rc: Int32
    var message: String
    var retryAfter: UInt64
  }
  struct Reply: Equatable {
    var call: UInt64
    var rc: Int32
    var text: String
  }
  struct Stored {
    var value: [UInt8]
    var revision: UInt64
    var ttl: UInt64
    var delivery: UInt64
  }
  struct Notice: @unchecked Sendable {
    var settled: bh_publish_settled
    var context: UnsafeMutableRawPointer?
  }
  struct Watcher: @unchecked Sendable {
    var ended: bh_ended
    var context: UnsafeMutableRawPointer?
  }
  struct LaneTask: @unchecked Sendable {
    var run: @convention(c) (UnsafeMutableRawPointer?) -> Void
    var context: UnsafeMutableRawPointer?
  }
  struct PendingCall: @unchecked Sendable {
    var token: UInt64
    var method: String
    var argument: String
    var timeout: UInt64
    var cause: UInt64
    var done: bh_call_done?
    var context: UnsafeMutableRawPointer?
  }
  struct State {
    var log: [String] = []
    var errors: [(code: Int32, text: String)] = []
    var published: [Published] = []
    var settled: [Settled] = []
    var replies: [Reply] = []
    var notices: [Notice] = []
    var watchers: [UInt64: [Watcher]] = [:]
    var ending = UInt32(BH_ENDING_NOT)
    var topics: [String] = []
    var retained = 0
    var released = 0
    var store: [String: Stored] = [:]
    var revision: UInt64 = 0
    var calls: [PendingCall] = []
    var cancelled: [UInt64] = []
    var amended: [String] = []
    var passed: [UInt64] = []
    var timers: [String: (delay: UInt64, period: UInt64, payload: String)] = [:]
    var metrics: [(kind: UInt32, name: String, values: [Int64])] = []
    var dialled: [String: UInt32] = [:]
    var written: [String] = []
    var closed: [UInt64] = []
    var reconnected: [UInt64] = []
    var lane: [LaneTask] = []
    var threads: [pthread_t] = []
    var spans: [String] = []
    var stopping = false
    /// What the next host call of that name answers instead of working.
    var refusals: [String: Int32] = [:]
  }

  let state = Mutex(State())
  /// Interfaces that `query` knows.
  let offered: Set<String>
  let configuration: String
  let secrets: [String: String]
  private let api: UnsafeMutablePointer<bh_host_api>

  static let everything: Set<String> = [
    BH_KV, BH_RPC, BH_TIMER, BH_SECRET, BH_METRIC, BH_NET, BH_THREAD, BH_TRACE, BH_HOOK, BH_EXTENSION,
  ]

  init(configuration: String = "{}", secrets: [String: String] = [:], offering: Set<String> = everything) {
    self.configuration = configuration
    self.secrets = secrets
    offered = offering
    api = .allocate(capacity: 1)
    api.initialize(to: Self.coreTable())
  }

  deinit { api.deallocate() }

  /// The `bh_host` pointer, which is this object.
  var pointer: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }
  var core: UnsafePointer<bh_host_api> { UnsafePointer(api) }

  static func at(_ host: OpaquePointer?) -> FakeHost {
    Unmanaged<FakeHost>.fromOpaque(UnsafeRawPointer(host!)).takeUnretainedValue()
  }

  func refuse(_ call: String, _ code: Int) { state.withLock { $0.refusals[call] = Int32(code) } }

  /// The refusal that a test asked for, once.
  func refusal(_ call: String) -> Int32? { state.withLock { $0.refusals.removeValue(forKey: call) } }

  var published: [Published] { state.withLock { $0.published } }
  var settled: [Settled] { state.withLock { $0.settled } }
  var replies: [Reply] { state.withLock { $0.replies } }
  var log: [String] { state.withLock { $0.log } }
  var lastError: String { state.withLock { $0.errors.last?.text ?? "" } }

  /// Ends the first call under way, as the lane would.
  func finishCall(_ rc: Int, _ text: String) {
    let call = state.withLock { $0.calls.removeFirst() }
    withBytes(text) { call.done?(call.context, Int32(rc), $0) }
  }

  /// Tells the publisher of the first event how it ended.
  func settlePublished(_ rc: Int, _ message: String = "") {
    let notice = state.withLock { $0.notices.removeFirst() }
    withText(message) { notice.settled(notice.context, Int32(rc), $0) }
  }

  /// Tells those who watch a delivery or a call how it ended; how many.
  @discardableResult
  func end(_ token: UInt64, _ how: Int) -> Int {
    let watchers = state.withLock { $0.watchers.removeValue(forKey: token) ?? [] }
    for watcher in watchers { watcher.ended(watcher.context, Int32(how)) }
    return watchers.count
  }

  /// Runs what threads handed to the lane.
  func runLane() {
    let tasks = state.withLock { state in
      defer { state.lane.removeAll() }
      return state.lane
    }
    for task in tasks { task.run(task.context) }
  }

  /// Waits until a condition on the state holds, which another thread brings about.
  func wait(until condition: @Sendable (borrowing State) -> Bool) async {
    while !state.withLock({ condition($0) }) { await Task.yield() }
  }

  func joinThreads() {
    let threads = state.withLock { state in
      state.stopping = true
      defer { state.threads.removeAll() }
      return state.threads
    }
    for thread in threads { pthread_join(thread, nil) }
  }
}

func text(_ value: bh_str) -> String { value.string }
func text(_ value: bh_bytes) -> String { String(decoding: value.buffer, as: UTF8.self) }

func withText<Result>(_ text: String, _ body: (bh_str) -> Result) -> Result { text.withABIText(body) }
func withBytes<Result>(_ text: String, _ body: (bh_bytes) -> Result) -> Result {
  text.withTextBytes { body(bh_bytes($0)) }
}
