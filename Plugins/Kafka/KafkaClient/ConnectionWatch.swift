import CRDKafka
import Glibc
import KafkaLog

/// Follows one client's errors, statistics and log lines, and tells the observer what is new.
///
/// Used on the polling thread only.
final class ConnectionWatch {
  private var state: ConnectionState
  private var anyBrokerUp = false
  private var reported: Set<String> = []
  private let started: Int64
  private unowned let observer: any ClientObserver
  /// Whether librdkafka has raised a fatal error.
  private(set) var fatal: String?

  /// How long a client may be without any answer before that is said, in milliseconds.
  private static let silence: Int64 = 3000
  /// How many different complaints are remembered, so that each is said once.
  private static let reportLimit = 1000

  init(address: String, observer: any ClientObserver) {
    self.observer = observer
    started = Self.now()
    state = ConnectionState(address: address, now: started)
  }

  /// Milliseconds since 1970.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// A record was delivered or came: the connection works.
  func works() {
    guard !state.isConnected else { return }
    anyBrokerUp = true
    if state.up(now: Self.now()) { observer.connectionChanged(state) }
  }

  func statistics(_ json: UnsafeRawBufferPointer) {
    guard let up = BrokerStatistics.anyBrokerUp(json) else { return }
    anyBrokerUp = up
    let now = Self.now()
    if up {
      if state.up(now: now) { observer.connectionChanged(state) }
    } else if now - started > Self.silence, state.silence(now: now) {
      observer.connectionChanged(state)
    }
  }

  func error(_ client: OpaquePointer, _ code: KafkaErrorCode, _ text: String) {
    switch code.treatment {
    case .ignore: break
    case .connection:
      // Between two statistics a broker that is gone still counts as up.
      if code == .allBrokersDown { anyBrokerUp = false }
      if state.fault(code, text, anyBrokerUp: anyBrokerUp, now: Self.now()) { observer.connectionChanged(state) }
    case .refused:
      if state.fault(code, text, anyBrokerUp: anyBrokerUp, now: Self.now()) {
        observer.connectionChanged(state)
      } else {
        once("\(code.rawValue)", .error, text)
      }
    case .reportOnce: once("\(code.rawValue) \(text)", .warning, text)
    case .ownFault:
      observer.clientSays(.error, "\(text): records come again; raise max.poll.interval.ms when handlers need longer")
    case .fatal:
      let (_, cause) = ClientConfiguration.withErrorText { rd_kafka_fatal_error(client, $0, $1) }
      fatal = cause.isEmpty ? text : cause
    case .report: observer.clientSays(.warning, text)
    }
  }

  /// A new client has been made after a fatal error.
  func renewed() { fatal = nil }

  func log(level: Int32, facility: String, text: String) {
    // What these facilities say comes as an error, too.
    if ["FAIL", "ERROR", "FATAL"].contains(facility) { return }
    let notice: ClientNotice =
      switch level {
      case ...3: .error
      case 4: .warning
      case 5, 6: .info
      default: .debug
      }
    // Said again with each look at the metadata.
    if facility == "AUTOCREATE" { return once(facility, notice, text) }
    // A broker that has just started says so; the client asks again by itself.
    let passing = facility == "GETPID" && text.hasSuffix("retrying")
    observer.clientSays(passing ? .debug : notice, "\(facility): \(text)")
  }

  func once(_ key: String, _ notice: ClientNotice, _ text: String) {
    guard reported.count < Self.reportLimit, reported.insert(key).inserted else { return }
    observer.clientSays(notice, text)
  }
}
