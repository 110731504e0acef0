/// How Slack writes texts, names and events, and what it wants with a message.
public enum SlackText {
  /// The text as people see it: `<url>` is the address, `<url|label>` the label, `<!here>` is `@here`, and the four entities are their
  /// characters. Source: Slack's "Formatting text for app surfaces".
  public static func decode(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let start = rest.firstIndex(of: "<") {
      result += rest[..<start]
      let tail = rest[rest.index(after: start)...]
      guard let end = tail.firstIndex(of: ">"), !tail[..<end].isEmpty else {
        result += "<"
        rest = tail
        continue
      }
      result += shown(tail[..<end])
      rest = tail[tail.index(after: end)...]
    }
    return entities(result + rest)
  }

  private static func shown(_ link: Substring) -> String {
    if let bar = link.firstIndex(of: "|") {
      let label = link[link.index(after: bar)...]
      // The label of a channel or a person comes without the mark that people write before it.
      let mark = ["#", "@"].first { link.hasPrefix($0) && !label.hasPrefix($0) } ?? ""
      return mark + label
    }
    if link.first == "!" { return "@" + link.dropFirst() }
    return String(link)
  }

  private static func entities(_ text: String) -> String {
    guard text.utf8.contains(0x26) else { return text }
    // The ampersand is the last, so that what it makes is not read again.
    return [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")].reduce(text) { text, entity in
      Formatting.replaceMarker(entity.0, in: text, by: entity.1) ?? text
    }
  }

  /// The text as Slack wants it, so that people see it letter by letter. Only the mention of a person, `<@U…>`, stays one: what somebody has
  /// a command say cannot call a whole channel.
  public static func encode(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let place = rest.firstIndex(where: { "&<>".contains($0) }) {
      result += rest[..<place]
      if let end = mentionEnd(rest[place...]) {
        result += rest[place..<end]
        rest = rest[end...]
        continue
      }
      result += rest[place] == "&" ? "&amp;" : rest[place] == "<" ? "&lt;" : "&gt;"
      rest = rest[rest.index(after: place)...]
    }
    return result + rest
  }

  /// Where a mention of a person ends with which the text begins.
  private static func mentionEnd(_ text: Substring) -> Substring.Index? {
    guard text.hasPrefix("<@"), let end = text.firstIndex(of: ">") else { return nil }
    let id = text[..<end].dropFirst(2)
    let isID = !id.isEmpty && id.allSatisfy { $0.isASCII && ($0.isUppercase || $0.isNumber) }
    return isID ? text.index(after: end) : nil
  }

  /// The name of a channel or a private group, as people write it.
  public static func name(ofChannelOrGroup entity: Value) -> String {
    let name = entity["name"]?.text ?? ""
    return entity["is_channel"] == true ? "#" + name : name
  }

  /// The name behind an id: `C…` is a channel, `G…` a private group, `D…` a conversation with one person, whose entity is the person.
  public static func name(of id: String, _ entity: Value) -> String {
    let name = entity["name"]?.text ?? ""
    return id.hasPrefix("C") ? "#" + name : name
  }

  /// The rooms that the bot is in.
  public static func rooms(groups: [String], memberChannels: [String]) -> [String] {
    groups + memberChannels.map { "#" + $0 }
  }

  /// What a message event means, by its sub-type; nil for one that means nothing here. An edit runs the message again.
  public static func eventKind(subtype: String?) -> ChatEvent.Kind? {
    switch subtype {
    case nil, "bot_message", "message_changed": .message
    case "channel_join", "group_join": .enter
    case "channel_leave", "group_leave": .leave
    default: nil
    }
  }

  /// The name of a reaction as people say it.
  public static func reactionName(_ name: String) -> String { String(name.map { $0 == "_" ? " " : $0 }) }

  /// Where calls go to, and what with.
  public static func endpoint(_ configuration: Value) -> Value {
    ["api-url": configuration["endpoint"] ?? "https://slack.com/api", "token": configuration["token"] ?? .null]
  }

  /// What goes with a text to `chat.postMessage`: an address of a picture is shown as a picture, once.
  public static func sendOptions(_ text: String, thread: String?) -> Value {
    let isImage = ImageLink.isImage(text)
    var options = ValueMap([("unfurl_media", isImage ? "false" : "true"), ("as_user", "true")])
    if isImage { options["blocks"] = [["type": "image", "image_url": .string(text), "alt_text": "Image"]] }
    if let thread { options["thread_ts"] = .string(thread) }
    return .map(options)
  }
}
