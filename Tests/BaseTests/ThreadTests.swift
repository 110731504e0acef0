import BotHost
import Foundation
import Synchronization
import Testing

@Suite struct ThreadTests {
  @Test func aThreadRunsUnderItsName() throws {
    let name = Mutex("")
    let thread = try #require(
      HostThread(name: "bh-a-long-thread-name") {
        let text = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
        name.withLock { $0 = text ?? "" }
      })
    #expect(!thread.isCurrent)
    thread.join()
    thread.join()
    #expect(name.withLock { $0 } == "bh-a-long-threa\n")
  }

  @Test func aMonitorWakesAndTimesOut() throws {
    let monitor = Monitor()
    let turn = Atomic<Int>(0)
    let other = try #require(
      HostThread(name: "other") {
        monitor.withLock {
          while turn.load(ordering: .relaxed) != 1 { monitor.wait() }
          turn.store(2, ordering: .relaxed)
          monitor.broadcast()
        }
      })
    monitor.withLock {
      turn.store(1, ordering: .relaxed)
      monitor.broadcast()
      while turn.load(ordering: .relaxed) != 2 { monitor.wait() }
      #expect(!monitor.wait(until: SystemClock().monotonic + 1000))
    }
    other.join()
    #expect(monitor.tryLock())
    let isFree = Atomic<Bool>(true)
    let third = try #require(HostThread(name: "third") { isFree.store(monitor.tryLock(), ordering: .relaxed) })
    third.join()
    let wasFree = isFree.load(ordering: .relaxed)
    #expect(!wasFree)
    monitor.unlock()
  }

  @Test func aProcessLockIsHeldByOne() throws {
    let path = FileManager.default.temporaryDirectory.path + "/bothost-lock-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let lock = try ProcessLock(path: path)
    #expect(throws: ProcessLock.Failure.held(pid: getpid())) { try ProcessLock(path: path) }
    lock.release()
    lock.release()
    _ = try ProcessLock(path: path)
    #expect(throws: ProcessLock.Failure.system(ENOENT)) { try ProcessLock(path: "/nowhere/at/all") }
  }
}
