/// Which letters of MODE a server knows, as far as they have a parameter or give somebody a standing: its 005 says so
/// (`PREFIX=(ov)@+`, `CHANMODES=b,k,l,imnt`).
struct ChannelModes: Hashable, Sendable, Codable {
  /// Modes that people have, and the signs for them before a nick, in the same order.
  private(set) var memberModes = Array("ov".utf8)
  private(set) var memberSigns = Array("@+".utf8)
  /// Modes that always have a parameter, and those that have one only when they are set.
  private var withParameter = Array("beIk".utf8)
  private var withParameterWhenSet = Array("l".utf8)

  /// More than any server has.
  private static let most = 64

  /// Takes one token of 005.
  mutating func take(_ token: ByteView) {
    if token.hasPrefix("PREFIX=") {
      let value = token.suffix(from: 7)
      if value.isEmpty {
        (memberModes, memberSigns) = ([], [])
        return
      }
      guard value.hasPrefix("("), let end = value.firstIndex(of: UInt8(ascii: ")")) else { return }
      let (modes, signs) = (value.slice(1, end).array, value.suffix(from: end + 1).array)
      guard modes.count == signs.count, modes.count <= Self.most else { return }
      (memberModes, memberSigns) = (modes, signs)
    } else if token.hasPrefix("CHANMODES=") {
      let kinds = token.suffix(from: 10).array.split(
        separator: UInt8(ascii: ","), maxSplits: 4, omittingEmptySubsequences: false)
      guard kinds.count >= 3, kinds[0].count + kinds[1].count + kinds[2].count <= Self.most else { return }
      withParameter = Array(kinds[0] + kinds[1])
      withParameterWhenSet = Array(kinds[2])
    }
  }

  /// A nick with the signs that stand before it, as lists of those in a room have it.
  func member(_ word: ByteView) -> (nick: ByteView, standing: MemberStanding) {
    var standing: MemberStanding = []
    var index = 0
    while index < word.count, let place = memberSigns.firstIndex(of: word[index]) {
      if let one = MemberStanding(mode: memberModes[place]) { standing.insert(one) }
      index += 1
    }
    return (word.suffix(from: index), standing)
  }

  /// What a MODE line changes in people's standings: `+ov-o ann bob carl`.
  func changes(
    _ letters: ByteView, _ parameters: inout IRCLine.Parameters,
    _ change: (_ nick: ByteView, _ standing: MemberStanding, _ isGiven: Bool) -> Void
  ) {
    var isGiven = true
    for index in 0..<letters.count {
      let letter = letters[index]
      switch letter {
      case UInt8(ascii: "+"): isGiven = true
      case UInt8(ascii: "-"): isGiven = false
      case _ where memberModes.contains(letter):
        guard let nick = parameters.next() else { return }
        if let standing = MemberStanding(mode: letter) { change(nick, standing, isGiven) }
      case _ where withParameter.contains(letter), _ where isGiven && withParameterWhenSet.contains(letter):
        _ = parameters.next()
      default: break
      }
    }
  }
}
