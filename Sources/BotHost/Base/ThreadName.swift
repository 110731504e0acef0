import Glibc

/// Names the calling thread as debuggers and `top` show it; at most 15 bytes are kept. (`pthread_setname_np` is hidden from Swift's
/// importer, which does not define `_GNU_SOURCE`.)
func nameThisThread(_ name: String) {
  let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
  guard file >= 0 else { return }
  let bytes = Array(name.utf8.prefix(15))
  _ = write(file, bytes, bytes.count)
  close(file)
}
