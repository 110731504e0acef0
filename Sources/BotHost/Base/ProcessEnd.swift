import CLinux
import Glibc

/// Waits until a child process has ended; it is left to be reaped.
///
/// - Parameter deadline: CLOCK_MONOTONIC, nanoseconds.
/// - Returns: whether it has ended. Of what is no child of this process that is not reaped: true.
public func waitForEnd(of process: pid_t, until deadline: Int64) -> Bool {
  let descriptor = pidfd_open(process, 0)
  guard descriptor >= 0 else {
    // No descriptor is left, or the kernel is older than they are.
    return waitUntil(deadline, SystemClock()) { hasEnded(process) }
  }
  defer { close(descriptor) }
  while true {
    let left = deadline - SystemClock().monotonic
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    if poll(&request, 1, Int32(clamping: max(0, left + 999_999) / 1_000_000)) > 0 { return true }
    if left <= 0 { return false }
  }
}

private func hasEnded(_ process: pid_t) -> Bool {
  var info = siginfo_t()
  let result = waitid(P_PID, id_t(process), &info, Int32(WEXITED | WNOHANG | WNOWAIT))
  return result != 0 || info.si_signo != 0
}
