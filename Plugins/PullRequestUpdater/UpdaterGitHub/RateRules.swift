import HTTPClient

/// What GitHub says about how much may be asked, and what is made of it.
///
/// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and best-practices-for-using-the-rest-api: `retry-after` first,
/// then an exhausted quota's `x-ratelimit-reset`, then at least a minute, longer each time.
struct RateRules {
  enum Verdict: Equatable {
    /// Nothing before this time, in nanoseconds since 1970.
    case wait(until: Int64, String)
    /// No limit: the account may not do it.
    case denied
  }

  /// The longest wait that is believed: a primary window has an hour.
  private static let longest: Int64 = 2 * 3600

  private static let second: Int64 = 1_000_000_000
  /// Refusals by a secondary limit without a time, one after the other.
  private var refusals = 0
  /// Nothing is asked before it.
  private(set) var blockedUntil: Int64 = 0
  private(set) var reason = ""

  /// What a 403 or 429 means.
  mutating func refused(_ response: HTTPResponse, at now: Int64) -> Verdict {
    if let seconds = response.retryAfter {
      return block(until: now + Self.clamp(seconds), "GitHub asks to be left alone for \(seconds) s")
    }
    if response.header("x-ratelimit-remaining") == "0", let reset = Self.reset(response, at: now) {
      return block(until: reset, "the hour's requests to GitHub are used up")
    }
    let text = response.text.lowercased()
    guard response.status == 429 || text.contains("secondary rate limit") || text.contains("abuse detection") else {
      return .denied
    }
    refusals += 1
    let seconds = min(60 << min(refusals - 1, 6), 3600)
    return block(
      until: now + Int64(seconds) * Self.second, "GitHub's secondary limit; it is asked again in \(seconds) s")
  }

  /// An answer that is no refusal: the quota may be at its end with it.
  mutating func answered(_ response: HTTPResponse, at now: Int64) {
    refusals = 0
    if response.header("x-ratelimit-remaining") == "0", let reset = Self.reset(response, at: now) {
      _ = block(until: reset, "the hour's requests to GitHub are used up")
    }
  }

  private mutating func block(until time: Int64, _ reason: String) -> Verdict {
    blockedUntil = max(blockedUntil, time)
    self.reason = reason
    return .wait(until: time, reason)
  }

  private static func clamp(_ seconds: Int) -> Int64 { Int64(min(max(seconds, 1), Int(longest))) * second }

  private static func reset(_ response: HTTPResponse, at now: Int64) -> Int64? {
    guard let text = response.header("x-ratelimit-reset"), let reset = Int64(text), reset > 0, reset < 1 << 40 else {
      return nil
    }
    // A second more: the header counts in whole seconds, and clocks differ.
    return min(max((reset + 1) * second, now + second), now + longest * second)
  }
}
