import Glibc
import Synchronization

/// A file that one process holds at a time, with its pid in it. The lock goes with the process, however it ends; the file
/// stays, because removing it would race with the next holder.
public final class ProcessLock: Sendable {
  /// Why the lock cannot be had.
  public enum Failure: Error, Sendable, Hashable {
    /// Somebody holds it; pid 0 when the file does not say who.
    case held(pid: Int32)
    /// The file cannot be made, opened or written: an `errno`.
    case system(Int32)
  }

  /// -1 once it is released.
  private let descriptor: Atomic<Int32>

  public init(path: String) throws(Failure) {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .system(errno) }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let cause = errno
      var text = [UInt8](repeating: 0, count: 16)
      let count = pread(file, &text, text.count, 0)
      close(file)
      guard cause == EWOULDBLOCK else { throw .system(cause) }
      let digits = text.prefix(max(0, count)).prefix { (48...57).contains($0) }
      throw .held(pid: Int32(String(decoding: digits, as: UTF8.self)) ?? 0)
    }
    let own = Array("\(getpid())\n".utf8)
    guard ftruncate(file, 0) == 0, pwrite(file, own, own.count, 0) == own.count else {
      let cause = errno
      close(file)
      throw .system(cause)
    }
    descriptor = Atomic(file)
  }

  deinit { release() }

  /// Lets others hold it. Again has no effect.
  public func release() {
    let file = descriptor.exchange(-1, ordering: .acquiringAndReleasing)
    if file >= 0 { close(file) }
  }
}
