/// librdkafka's error numbers, as far as the plugin treats them one by one: negative ones are the library's own, positive ones the broker's.
public struct KafkaErrorCode: RawRepresentable, Sendable, Hashable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let none = Self(rawValue: 0)
  public static let transport = Self(rawValue: -195)
  public static let resolve = Self(rawValue: -193)
  public static let messageTimedOut = Self(rawValue: -192)
  public static let partitionEnd = Self(rawValue: -191)
  public static let unknownPartition = Self(rawValue: -190)
  public static let unknownTopic = Self(rawValue: -188)
  public static let allBrokersDown = Self(rawValue: -187)
  public static let timedOut = Self(rawValue: -185)
  public static let queueFull = Self(rawValue: -184)
  public static let ssl = Self(rawValue: -181)
  public static let authentication = Self(rawValue: -169)
  public static let state = Self(rawValue: -172)
  public static let noOffset = Self(rawValue: -168)
  public static let timedOutInQueue = Self(rawValue: -166)
  public static let unsupportedFeature = Self(rawValue: -165)
  public static let purgedInQueue = Self(rawValue: -152)
  public static let purgedInFlight = Self(rawValue: -151)
  public static let fatal = Self(rawValue: -150)
  public static let pollExceeded = Self(rawValue: -147)
  public static let assignmentLost = Self(rawValue: -142)
  public static let unknownTopicOrPartition = Self(rawValue: 3)
  public static let messageTooLarge = Self(rawValue: 10)
  public static let illegalGeneration = Self(rawValue: 22)
  public static let unknownMember = Self(rawValue: 25)
  public static let rebalanceInProgress = Self(rawValue: 27)
  public static let topicAuthorizationFailed = Self(rawValue: 29)
  public static let groupAuthorizationFailed = Self(rawValue: 30)
  public static let clusterAuthorizationFailed = Self(rawValue: 31)
  public static let saslAuthenticationFailed = Self(rawValue: 58)
  public static let fencedInstance = Self(rawValue: 82)
  public static let invalidRecord = Self(rawValue: 87)
}

/// What to do about an error that a client reports.
public enum ErrorTreatment: Sendable, Equatable {
  /// Nothing: it is news, not a fault.
  case ignore
  /// The connection is gone or was refused by the network; the client tries again by itself. Part of the connection's state.
  case connection
  /// The broker or the network peer refuses this client: it will not get better by itself, though the client keeps trying.
  case refused
  /// Say it once for each topic, and go on.
  case reportOnce
  /// The client cannot go on; a new one has to be made.
  case fatal
  /// The plugin's own fault, to be said loudly: it did not poll in time.
  case ownFault
  /// Say it, and go on.
  case report
}

extension KafkaErrorCode {
  /// What to do when a client reports this error as such, not as the fate of one record.
  public var treatment: ErrorTreatment {
    switch self {
    case .none, .partitionEnd, .noOffset, .rebalanceInProgress: .ignore
    case .transport, .allBrokersDown, .resolve, .timedOut: .connection
    case .authentication, .saslAuthenticationFailed, .ssl, .topicAuthorizationFailed, .groupAuthorizationFailed,
      .clusterAuthorizationFailed, .unsupportedFeature:
      .refused
    case .unknownTopicOrPartition, .unknownTopic, .unknownPartition: .reportOnce
    case .fatal, .fencedInstance: .fatal
    case .pollExceeded: .ownFault
    default: .report
    }
  }

  /// Whether the same record can succeed when it is produced again later.
  public var isWorthRetrying: Bool {
    switch self {
    case .messageTooLarge, .invalidRecord, .topicAuthorizationFailed, .clusterAuthorizationFailed: false
    default: true
    }
  }
}
