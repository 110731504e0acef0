/// What a session knows of a plain IRC server, besides what it knows of every server.
struct PlainServer: Hashable, Sendable, Codable {
  /// Which modes it has.
  var modes = ChannelModes()
  /// By room, as on the wire, and by folded nick: those who are something there.
  var standings: [String: [String: MemberStanding]] = [:]
  /// The bytes of the `user@host` that others see before our lines; nil until the server has shown us.
  var ownAddressLength: Int?
  var pace = FloodPace()
  /// By room, as on the wire, or folded nick: when something was last said there. Whoever was spoken to least lately comes first.
  var spokenAt: [String: Int64] = [:]
  /// Somebody had our nick at the login, and we would like to have it.
  var wantsNickBack = false
  var nickAskedAt: Int64 = 0

  /// Notes that something was said, and forgets what is long past.
  mutating func spoke(to target: String, now: Int64) {
    if spokenAt.count >= 512 {
      spokenAt = spokenAt.filter { now - $0.value < 60_000_000_000 }
      if spokenAt.count >= 512 { spokenAt = [:] }
    }
    spokenAt[target] = now
  }
}
