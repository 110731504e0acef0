/// What the engine knows beside its tables: for the build that takes its place. After a restart it is learnt anew.
public struct Remembered: Codable, Sendable {
  var people: PeopleTable
  var adapters: [AdapterState]
  var rooms: [ChatPlace]
  var areCronsRunning: Bool
  var lastCronSecond: Int64?
  var startedAt: Int64
  /// The lines of a history that is only remembered; empty for one that is kept.
  var lines: [HistoryEntry]
}

extension Yetibot {
  public var remembered: Remembered {
    Remembered(
      people: people, adapters: adapters, rooms: rooms, areCronsRunning: areCronsRunning,
      lastCronSecond: lastCronSecond, startedAt: startedAt,
      lines: (history as? MemoryHistory)?.entries ?? [])
  }

  /// Takes over what another engine remembered.
  public func take(_ remembered: Remembered) {
    people = remembered.people
    for adapter in remembered.adapters { note(adapter) }
    for room in remembered.rooms { note(room: room) }
    areCronsRunning = remembered.areCronsRunning
    lastCronSecond = remembered.lastCronSecond
    startedAt = remembered.startedAt
    (history as? MemoryHistory)?.take(remembered.lines)
  }
}
