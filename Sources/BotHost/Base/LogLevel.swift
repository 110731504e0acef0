import CBotHost

/// How much a line matters: the levels of `bothost.h`, most important first.
public enum LogLevel: Int32, Sendable, CaseIterable, Comparable {
  case error = 1
  case warning = 2
  /// What an operator wants to see once: connected, started, stopped.
  case notice = 3
  case info = 4
  case debug = 5

  /// The level that a plugin gave; what is out of range counts as the nearest.
  public init(abi level: Int32) {
    self = LogLevel(rawValue: min(max(level, Self.error.rawValue), Self.debug.rawValue)) ?? .info
  }

  /// The level by its name, as the command line has it.
  public init?(name: some StringProtocol) {
    guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = level
  }

  /// As it stands in the log.
  public var name: String {
    switch self {
    case .error: "error"
    case .warning: "warning"
    case .notice: "notice"
    case .info: "info"
    case .debug: "debug"
    }
  }

  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
