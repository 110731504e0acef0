/// Who was seen, and in which rooms.
public struct PeopleTable: Codable, Sendable {
  private struct Key: Codable, Hashable {
    var instance: String
    var id: String
  }

  private var people: [Key: ChatPerson] = [:]
  private var order: [Key] = []
  private var members: [String: Set<Key>] = [:]
  private static let capacity = 10_000

  public init() {}

  private static func room(_ place: ChatPlace) -> String { place.instance + "\u{0}" + place.room }

  /// Notes that somebody is in a room. What was known of the person is replaced. Beyond ten thousand people nobody new is noted.
  public mutating func see(_ person: ChatPerson, in place: ChatPlace, at milliseconds: Int64?) {
    let key = Key(instance: place.instance, id: person.id)
    var person = person
    person.lastActive = milliseconds ?? people[key]?.lastActive
    if people[key] == nil {
      guard order.count < Self.capacity else { return }
      order.append(key)
    }
    people[key] = person
    members[Self.room(place), default: []].insert(key)
  }

  /// Changes what is known of somebody.
  ///
  /// - Throws: ``Raised`` for somebody who was never seen.
  public mutating func update(
    _ id: String, instance: String, _ change: (inout ChatPerson) -> Void
  ) throws(Raised) {
    let key = Key(instance: instance, id: id)
    guard var person = people[key] else { throw Raised("nobody with the id \(id) was seen in \(instance)") }
    change(&person)
    people[key] = person
  }

  mutating func leave(_ person: ChatPerson, _ place: ChatPlace) {
    members[Self.room(place)]?.remove(Key(instance: place.instance, id: person.id))
  }

  /// Everybody, or those in a room, in the order in which they were first seen.
  public func all(in place: ChatPlace?) -> [ChatPerson] {
    let wanted = place.map { members[Self.room($0)] ?? [] }
    return order.filter { wanted?.contains($0) ?? true }.compactMap { people[$0] }
  }

  /// Those in whose name a pattern is found, upper or lower case.
  ///
  /// - Throws: ``Pattern/Failure``.
  public func like(_ pattern: String, in place: ChatPlace?) throws -> [ChatPerson] {
    let pattern = try Pattern(pattern, ignoringCase: true)
    return all(in: place).filter { pattern.occurs(in: $0.name) }
  }
}
