import Foundation

@testable import BotHost

/// Notes what happens on a connection, in order, and has as much room as it is given.
final class Recorder: ConnectionObserver, @unchecked Sendable {
  private let condition = NSCondition()
  private var received: [String] = []
  private var told: [ConnectionOpening] = []
  private var closings: [ConnectionClosing] = []
  private var log: [String] = []
  private var room: Int
  /// Whether openings and closings take room as well.
  private let countsEverything: Bool

  init(room: Int = .max, countsEverything: Bool = false) {
    self.room = room
    self.countsEverything = countsEverything
  }

  func attached(to connection: UInt64) {}

  func opened(_ opening: ConnectionOpening) -> Bool {
    note(countsEverything) {
      told.append(opening)
      log.append("open")
    }
  }

  func received(_ frame: UnsafeRawBufferPointer) -> Bool {
    note(true) {
      let text = String(decoding: frame, as: UTF8.self)
      received.append(text)
      log.append(text)
    }
  }

  func closed(_ closing: ConnectionClosing) -> Bool {
    note(countsEverything) {
      closings.append(closing)
      log.append("closed: \(closing.reason)")
    }
  }

  private func note(_ takesRoom: Bool, _ body: () -> Void) -> Bool {
    condition.withLock {
      if takesRoom {
        guard room > 0 else {
          isFull = true
          condition.broadcast()
          return false
        }
        room -= 1
      }
      body()
      condition.broadcast()
      return true
    }
  }

  private var isFull = false

  func makeRoom(_ count: Int) {
    condition.withLock {
      room += count
      isFull = false
    }
  }

  /// Waits until the condition holds, at most a minute.
  @discardableResult
  private func wait(_ holds: () -> Bool) -> Bool {
    let limit = Date(timeIntervalSinceNow: 60)
    while !holds() {
      if !condition.wait(until: limit) { return holds() }
    }
    return true
  }

  /// Waits until something has been refused for want of room.
  @discardableResult
  func waitUntilFull() -> Bool { condition.withLock { wait { isFull } } }

  var openings: [ConnectionOpening] { condition.withLock { told } }

  /// Waits for so many openings and gives the last.
  func opening(_ count: Int = 1) -> ConnectionOpening? {
    condition.withLock { wait { told.count >= count } ? told[count - 1] : nil }
  }

  /// Waits until there are that many frames.
  func frames(_ count: Int) -> [String] {
    condition.withLock {
      wait { received.count >= count }
      return received
    }
  }

  /// Waits for so many closings and gives the last.
  func closing(_ count: Int = 1) -> ConnectionClosing? {
    condition.withLock { wait { closings.count >= count } ? closings[count - 1] : nil }
  }

  /// Waits for so many things to have happened, and gives all.
  func events(_ count: Int) -> [String] {
    condition.withLock {
      wait { log.count >= count }
      return log
    }
  }
}

/// A clock that stands still until it is turned.
final class TurnedClock: HostClock, @unchecked Sendable {
  private let lock = NSLock()
  private var time: Int64 = 1_000_000_000_000

  var monotonic: Int64 { lock.withLock { time } }
  var unix: Int64 { monotonic }

  func turn(_ nanoseconds: Int64) { lock.withLock { time += nanoseconds } }
}
