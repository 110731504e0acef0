/// What an endpoint's plan says about publishing on one topic; a byte a topic, so that a publish costs one look.
struct PublishPermission: Equatable {
  let word: UInt8

  @inline(__always)
  init(word: UInt8) { self.word = word }

  /// Not asked yet.
  static let unknown = PublishPermission(word: 0)
  static let allowed = PublishPermission(word: 1)
  static let denied = PublishPermission(word: 2)
  /// Allowed, and what nobody takes is a dead letter.
  static let mandatory = PublishPermission(word: 3)
}
