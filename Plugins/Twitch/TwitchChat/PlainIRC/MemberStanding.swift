/// What somebody is in a room of a plain IRC server.
public struct MemberStanding: OptionSet, Hashable, Sendable, Codable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let voice = MemberStanding(rawValue: 1)
  public static let halfop = MemberStanding(rawValue: 2)
  public static let op = MemberStanding(rawValue: 4)
  public static let admin = MemberStanding(rawValue: 8)
  public static let owner = MemberStanding(rawValue: 16)

  /// Whether they may change the room's modes and put people out.
  public var isOperator: Bool { !isDisjoint(with: [.op, .admin, .owner]) }

  /// In IRC's own words, the highest first, and `moderator` for operators of any kind: that is what other chats call who may do the same.
  public var roles: [String] {
    let names: [(MemberStanding, String)] = [
      (.owner, "owner"), (.admin, "admin"), (.op, "op"), (.halfop, "halfop"), (.voice, "voice"),
    ]
    return names.filter { contains($0.0) }.map(\.1) + (isOperator ? ["moderator"] : [])
  }

  /// By the letter of the mode that gives it; nil for those that mean nothing here.
  init?(mode letter: UInt8) {
    switch letter {
    case UInt8(ascii: "v"): self = .voice
    case UInt8(ascii: "h"): self = .halfop
    case UInt8(ascii: "o"): self = .op
    case UInt8(ascii: "a"): self = .admin
    case UInt8(ascii: "q"): self = .owner
    default: return nil
    }
  }
}
