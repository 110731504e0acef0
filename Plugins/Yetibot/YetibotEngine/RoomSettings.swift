/// What rooms have set for themselves, and in which of them the bot is.
extension Yetibot {
  /// Key and value.
  public static let channelSetPattern = #"^\s*set\s+(\S+)\s+(?:=\s+)?(\S.*)$"#

  /// Settings that commands of their own change.
  public static let protectedSettings: Set<String> = [disabledCategoriesKey, "yetibot-channels", membershipKey]
  private static let membershipKey = "is-member"
  private static let broadcastKey = "broadcast"

  /// What holds where a room has no setting of its own.
  public static let defaultSettings: ValueMap = [
    (broadcastKey, "false"), ("jira-project", ""), ("jenkins-default", ""), ("karma-observers-enabled", "false"),
  ].reduce(into: ValueMap()) { $0[$1.0] = .string($1.1) }

  private func settingRow(_ key: String, _ place: ChatPlace) -> Rows.Row? {
    rows["channel"].first {
      $0["key"] == key && $0["chat_source_channel"] == place.room && $0["chat_source_adapter"] == place.instance
    }
  }

  func setting(_ key: String, _ place: ChatPlace) -> String? { settingRow(key, place)?["value"] }

  func setSetting(_ key: String, _ value: String?, _ place: ChatPlace) {
    // A room may be known as several places: private or not.
    disabledCategoriesCache = [:]
    let row = settingRow(key, place)
    guard let value else {
      if let row { rows.remove("channel") { $0.id == row.id } }
      return
    }
    var columns = ValueMap([
      ("platform", .string(platform(of: place))), ("chat_source_adapter", .string(place.instance)),
      ("chat_source_channel", .string(place.room)),
      ("key", .string(key)), ("value", .string(value)),
    ])
    if place.isPrivate { columns["is_private"] = true }
    if let row { rows.update("channel", row.id, columns) } else { insert("channel", columns) }
  }

  func settings(_ place: ChatPlace) -> ValueMap {
    var settings = Self.defaultSettings
    for row in rows["channel"]
    where row["chat_source_channel"] == place.room && row["chat_source_adapter"] == place.instance {
      settings[row["key"]] = .string(row["value"])
    }
    return settings
  }

  func roomNames(_ place: ChatPlace) -> [String] {
    var names: [String] = []
    for room in rooms where room.instance == place.instance && !names.contains(room.room) { names.append(room.room) }
    if !names.contains(place.room), !place.isPrivate { names.append(place.room) }
    return names
  }

  // MARK: Rooms

  /// The platform of a place of which perhaps only the instance is known.
  public func platform(of place: ChatPlace) -> String {
    adapters.first { $0.instance == place.instance }?.platform ?? place.adapter
  }

  /// Keeps that the bot went into a room, or left it, at somebody's wish.
  func noteMembership(_ isMember: Bool, of room: String, _ place: ChatPlace) {
    let place = ChatPlace(adapter: place.adapter, instance: place.instance, room: room)
    setSetting(Self.membershipKey, isMember ? "true" : nil, place)
    if isMember { note(room: place) } else { forget(room: place) }
  }

  /// The rooms in which somebody has wished the bot to be, and that it should be in after a restart too.
  ///
  /// - Parameter instance: the adapter's; nil for those of all.
  public func joinedRooms(of instance: String? = nil) -> [ChatPlace] {
    places(with: Self.membershipKey).filter { instance == nil || $0.instance == instance }
  }

  /// What says a text in all rooms that have asked for broadcasts.
  public func broadcast(_ text: String) -> [Post] {
    places(with: Self.broadcastKey).flatMap { place in
      posts(for: .string(text), in: place.room).map { post in
        var post = post
        post.place = place
        return post
      }
    }
  }

  /// The rooms with a setting that is switched on, in the order in which they got it. A conversation with the bot alone is no room.
  private func places(with key: String) -> [ChatPlace] {
    rows["channel"].compactMap { row in
      guard row["key"] == key, row["value"] == "true", row.columns["is_private"] != true else { return nil }
      let place = ChatPlace(
        adapter: row["platform"], instance: row["chat_source_adapter"], room: row["chat_source_channel"])
      return ChatPlace(adapter: platform(of: place), instance: place.instance, room: place.room)
    }
  }
}
