import Glibc

/// CLOCK_MONOTONIC in nanoseconds.
func monotonicTime() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Milliseconds since 1970, as `tmi-sent-ts` has them.
func unixMilliseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

let second: Int64 = 1_000_000_000

/// What has to be done later, on the server's one thread.
struct Agenda {
  private var entries: [(time: Int64, order: Int, work: () -> Void)] = []
  private var order = 0

  mutating func add(at time: Int64, _ work: @escaping () -> Void) {
    order += 1
    let entry = (time: time, order: order, work: work)
    let place = entries.firstIndex { ($0.time, $0.order) > (time, order) } ?? entries.count
    entries.insert(entry, at: place)
  }

  var next: Int64? { entries.first?.time }

  mutating func due(_ now: Int64) -> (() -> Void)? {
    guard let first = entries.first, first.time <= now else { return nil }
    return entries.removeFirst().work
  }
}

func errorText() -> String { String(cString: strerror(errno)) }

/// Writes a line to standard output or error, at once.
func writeLine(_ text: String, to descriptor: Int32 = 1) {
  let bytes = Array((text + "\n").utf8)
  var from = 0
  while from < bytes.count {
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + from }, bytes.count - from) }
    if written < 0, errno != EINTR { return }
    from += max(0, written)
  }
}

/// Text as a JSON string.
func json(_ text: String) -> String {
  var out = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": out += "\\\""
    case "\\": out += "\\\\"
    case "\n": out += "\\n"
    case "\r": out += "\\r"
    case "\t": out += "\\t"
    case _ where scalar.value < 0x20:
      let hex = String(scalar.value, radix: 16)
      out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out + "\""
}
