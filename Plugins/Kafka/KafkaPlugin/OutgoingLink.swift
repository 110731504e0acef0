import BotPluginKit
import Glibc
import KafkaClient
import KafkaLog
import Synchronization

/// The instance's producer with its thread: settles calls and deliveries by the broker's reports.
final class OutgoingLink: DeliveryReceiver, ClientObserver, @unchecked Sendable {
  // Unchecked: `answer` and `reported` are the polling thread's, and `producer` is set before that thread starts.
  private let host: Host
  private let report: ConnectionReport
  private var producer: KafkaProducer?
  @exclusivity(unchecked) private var answer: [UInt8] = []
  /// Reports since the counter was brought up to date.
  @exclusivity(unchecked) private var reported: Int64 = 0
  private let stopAt = Atomic<Int64>(.max)
  private let delivered: Counter?
  private let failures: Counter?
  private let underWay: Gauge?
  /// Dead letters that have no room now.
  private let waitingLetters = Mutex<[DeadLetterTicket]>([])
  private var letterTopic: Int?
  private let letterArrived: @Sendable (RecordReference) -> Void

  /// How long a thread goes on for open records when nobody has said how long, in nanoseconds.
  static let patience: Int64 = 3_000_000_000

  /// Makes the producer; `start` starts its thread.
  /// - Parameter letterArrived: told when a dead letter is where it belongs.
  init(
    _ configuration: KafkaConfiguration, address: String, settings: [ClientSetting], host: Host,
    report: ConnectionReport,
    letterArrived: @escaping @Sendable (RecordReference) -> Void
  ) throws {
    self.host = host
    self.report = report
    self.letterArrived = letterArrived
    delivered = try? host.counter("records_delivered", "records that the broker has acknowledged")
    failures = try? host.counter("records_failed", "records that could not be delivered")
    underWay = try? host.gauge("records_under_way", "records without a report of the broker")
    let producer = try KafkaProducer(
      settings: settings, address: address, pendingLimit: configuration.pendingLimit, receiver: self, observer: self)
    self.producer = producer
    if !configuration.deadLetterTopic.isEmpty {
      letterTopic = configuration.deadLetterTopic.withTextBytes { producer.topic($0) }
    }
  }

  /// Starts the thread that polls.
  func start() throws {
    do {
      try host.thread("producer") { [self] stop in run(stop) }
    } catch {
      // The client reports to this object, so it must end before it.
      producer?.close()
      throw error
    }
  }

  /// Gives what is under way until then.
  func quiesce(deadline: Int64) { stopAt.store(deadline, ordering: .relaxed) }

  /// Records without a report.
  var unreported: Int { producer?.unreported ?? 0 }

  /// A number for a Kafka topic's name; `nil`: it is no name.
  func topic(_ name: UnsafeRawBufferPointer) -> Int? { producer?.topic(name) }

  /// Sends a record; the waiter is told by the report, or at once when it cannot be sent.
  func send(
    topic: Int, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, headers: [RecordHeader], _ waiter: Waiter
  ) {
    let token = waiter.token
    switch producer?.produce(topic: topic, key: key, value: value, headers: headers, token: token) ?? .full {
    case .taken: break
    case .full:
      Waiter.take(token).fail(
        .busy("the broker does not keep up, or is away: max_pending records wait already"))
    case .refused(let code):
      failures?.add()
      Waiter.take(token).fail(Self.error(code, "the record is refused (\(code.rawValue))"))
    }
  }

  /// Sends a record that could not be handled to the dead-letter topic, now or when there is room.
  func send(_ letter: DeadLetterTicket) {
    guard let producer, let letterTopic else { return }
    let token = Waiter.deadLetter(letter).token
    let acceptance = letter.withParts { key, value, headers in
      producer.produce(topic: letterTopic, key: key, value: value, headers: headers, token: token)
    }
    guard acceptance != .taken else { return }
    _ = Waiter.take(token)
    waitingLetters.withLock { $0.append(letter) }
  }

  /// What kind of failure a caller is told.
  static func error(_ code: KafkaErrorCode, _ text: String) -> PluginError {
    switch code {
    case .messageTooLarge: .reject("\(text): it is larger than message.max.bytes, here or at the broker, allows")
    case .messageTimedOut: .timeout("\(text): the broker did not take the record within message.timeout.ms")
    case .purgedInQueue, .purgedInFlight: .retry("\(text): the plugin is stopping")
    default: code.isWorthRetrying ? .retry(text) : .reject(text)
    }
  }

  // MARK: The thread

  private func run(_ stop: StopSignal) {
    guard let producer else { return }
    var end = Int64.max
    while true {
      producer.poll(milliseconds: 100)
      if reported > 0 { delivered?.add(reported) }
      reported = 0
      report.catchUp()
      let letters = waitingLetters.withLock { waiting in
        defer { waiting = [] }
        return waiting
      }
      for letter in letters { send(letter) }
      let open = producer.unreported
      underWay?.set(Int64(open))
      guard stop.isRequested else { continue }
      if end == .max {
        let asked = stopAt.load(ordering: .relaxed)
        end = asked == .max ? host.monotonicTime + Self.patience : asked
      }
      if open == 0 || host.monotonicTime >= end { break }
    }
    if producer.unreported > 0 {
      host.log(.warning, "\(producer.unreported) records have no report of the broker; they are given back as failed")
    }
    producer.close()
    report.ended(.producer)
  }

  func delivered(token: UInt64, topic: UnsafePointer<CChar>, partition: Int32, offset: Int64) {
    reported += 1
    switch Waiter.take(token) {
    case .call(let call):
      answer.removeAll(keepingCapacity: true)
      // Kafka's names of topics need no escapes.
      answer.append(contentsOf: "{\"topic\":\"".utf8)
      answer.append(contentsOf: UnsafeRawBufferPointer(start: topic, count: strlen(topic)))
      answer.append(contentsOf: "\",\"partition\":".utf8)
      Decimal.append(Int64(partition), to: &answer)
      answer.append(contentsOf: ",\"offset\":".utf8)
      Decimal.append(offset, to: &answer)
      answer.append(UInt8(ascii: "}"))
      answer.withUnsafeBytes { try? call.reply(json: $0) }
    case .delivery(let delivery): try? delivery.ack()
    case .deadLetter(let letter): letterArrived(letter.reference)
    case .nobody: break
    }
  }

  func failed(token: UInt64, code: KafkaErrorCode, text: String) {
    failures?.add()
    let waiter = Waiter.take(token)
    guard case .deadLetter(let letter) = waiter else { return waiter.fail(Self.error(code, text)) }
    switch code {
    case .purgedInQueue, .purgedInFlight: break  // Its record is not settled, so it comes again.
    case _ where code.isWorthRetrying: waitingLetters.withLock { $0.append(letter) }
    default:
      // The dead-letter topic does not take it: it must not hold up its partition for ever.
      host.log(.error, "a record that could not be handled is lost: the dead-letter topic refuses it: \(text)")
      letterArrived(letter.reference)
    }
  }

  func connectionChanged(_ state: ConnectionState) { report.changed(.producer, state) }

  func clientSays(_ notice: ClientNotice, _ text: String) { host.log(notice.level, "producer: \(text)") }
}

extension ClientNotice {
  var level: Host.LogLevel {
    switch self {
    case .error: .error
    case .warning: .warning
    case .info: .info
    case .debug: .debug
    }
  }
}
