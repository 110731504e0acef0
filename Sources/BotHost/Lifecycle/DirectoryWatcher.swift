import Glibc

/// Says which files of a directory have been replaced or taken away.
///
/// A file counts when its writer has closed it or when it was renamed into place, never while it is being written; and when
/// it was removed or renamed away. What comes within
/// a short quiet time is reported together, so that a library and its manifest that are copied one after the other are one
/// change.
final class DirectoryWatcher: @unchecked Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let descriptor: Int32
  private let wake: (read: Int32, write: Int32)
  private let quietMilliseconds: Int32
  private let changed: @Sendable (Set<String>) -> Void
  private var thread: pthread_t?

  /// Watches from now on; `changed` gets file names, on the watcher's own thread.
  init(
    directory: String, quietMilliseconds: Int32 = 150, changed: @escaping @Sendable (Set<String>) -> Void
  ) throws {
    descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    guard descriptor >= 0 else {
      throw Failure(description: "cannot watch \(directory): \(String(cString: strerror(errno)))")
    }
    let mask = [IN_CLOSE_WRITE, IN_MOVED_TO, IN_MOVED_FROM, IN_DELETE].reduce(UInt32(0)) { $0 | UInt32($1) }
    guard inotify_add_watch(descriptor, directory, mask) >= 0 else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw Failure(description: "cannot watch \(directory): \(reason)")
    }
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw Failure(description: "cannot watch \(directory): \(reason)")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    wake = (ends[0], ends[1])
    self.quietMilliseconds = quietMilliseconds
    self.changed = changed
    var handle = pthread_t()
    let boxed = Unmanaged.passRetained(self)
    let status = pthread_create(
      &handle, nil,
      { pointer in
        if let pointer { Unmanaged<DirectoryWatcher>.fromOpaque(pointer).takeRetainedValue().run() }
        return nil
      }, boxed.toOpaque())
    guard status == 0 else {
      boxed.release()
      throw Failure(description: "cannot watch \(directory): no thread")
    }
    thread = handle
  }

  /// Ends the watching and waits for the thread; not from within `changed`.
  func stop() {
    guard let thread else { return }
    self.thread = nil
    var byte: UInt8 = 1
    _ = write(wake.write, &byte, 1)
    pthread_join(thread, nil)
    close(descriptor)
    close(wake.read)
    close(wake.write)
  }

  private func run() {
    nameThisThread("watcher")
    var pending: Set<String> = []
    while true {
      var polls = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
      ]
      let ready = poll(&polls, 2, pending.isEmpty ? -1 : quietMilliseconds)
      if ready < 0 && errno != EINTR { return }
      if polls[1].revents != 0 { return }
      if ready == 0 {
        changed(pending)
        pending = []
      } else if polls[0].revents != 0 {
        pending.formUnion(readNames())
      }
    }
  }

  private func readNames() -> Set<String> {
    var names: Set<String> = []
    let capacity = 16 * 1024
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: MemoryLayout<inotify_event>.alignment)
    defer { buffer.deallocate() }
    while true {
      let count = read(descriptor, buffer, capacity)
      guard count > 0 else { return names }
      var offset = 0
      let header = MemoryLayout<inotify_event>.size
      while offset + header <= count {
        let event = (buffer + offset).load(as: inotify_event.self)
        let length = Int(event.len)
        if length > 0 {
          names.insert(String(cString: (buffer + offset + header).assumingMemoryBound(to: CChar.self)))
        }
        offset += header + length
      }
    }
  }
}
