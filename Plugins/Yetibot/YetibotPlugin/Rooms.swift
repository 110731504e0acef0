import BotPluginKit

/// Where rooms are: the engine knows them by their names, adapters by their ids.
///
/// Kept in the instance's state, for crons that speak in a room in which nobody has spoken since the start.
struct Rooms {
  private var ids: [String: String] = [:]
  private static let capacity = 10_000
  private static let longestKey = 480

  private static func key(_ instance: String, _ room: String) -> String { "room/\(instance)/\(room)" }

  init(_ host: Host) throws {
    for entry in try host.kv.entries(prefix: "room/", limit: UInt32(Self.capacity)) {
      ids[entry.key] = String(decoding: entry.value, as: UTF8.self)
    }
  }

  /// Notes a room's id, where that is not its name.
  mutating func learn(_ address: Address, _ host: Host, effectOf token: DeliveryToken) {
    let key = Self.key(address.instance, address.room)
    guard !address.isPrivate, address.channel != address.room, ids[key] != address.channel,
      ids.count < Self.capacity, key.utf8.count <= Self.longestKey
    else { return }
    ids[key] = address.channel
    do {
      try Array(address.channel.utf8).withUnsafeBytes { try host.kv.put(key, bytes: $0, effectOf: token) }
    } catch {
      host.log(.warning, "a room's id is not kept", ["room": address.room, "error": "\(error)"])
    }
  }

  /// What the adapter calls the room.
  func id(of room: String, instance: String) -> String { ids[Self.key(instance, room)] ?? room }
}
