import Testing

@testable import YetibotEngine

/// Going into rooms, and what rooms have set for themselves.
@Suite struct RoomTests {
  /// A chat that lets the bot into some rooms, under names of its own.
  private final class Doors: ChatControl {
    struct Locked: Error, CustomStringConvertible { let description = "the door is locked" }

    var reactions: [String] = []

    func join(_ room: String, for call: Invocation) throws -> String? {
      if room == "#cellar" { throw Locked() }
      return room == "#elsewhere" ? nil : String(room.drop { $0 == "#" })
    }

    func leave(_ room: String, for call: Invocation) throws -> String? { room }

    func react(_ reaction: String, for call: Invocation) throws -> Bool {
      reactions.append(reaction)
      return true
    }
  }

  @Test func withoutAChatRoomsAreOthersBusiness() throws {
    let bot = TestBot()
    #expect(try bot.error("channel join #pantry")?.contains("invite me") == true)
    #expect(try bot.error("channel leave #pantry")?.contains("remove me") == true)
    #expect(try bot.error("react :x:")?.contains("knows no reactions") == true)
    #expect(bot.engine.joinedRooms().isEmpty)
  }

  @Test func roomsThatTheBotIsSentIntoAreKept() throws {
    let bot = TestBot()
    let doors = Doors()
    bot.engine.chats = doors
    #expect(try bot.value("channel join #pantry") == "Joined pantry")
    #expect(try bot.error("channel join #elsewhere")?.contains("invite me") == true)
    #expect(throws: Doors.Locked.self) { try bot.value("channel join #cellar") }
    #expect(bot.engine.joinedRooms(of: "test").map(\.room) == ["pantry"])
    #expect(bot.engine.joinedRooms(of: "another").isEmpty)
    #expect(try bot.value("channel list | join ,").text.contains("pantry"))
    // Another build knows them from the rows.
    let next = TestBot(rows: bot.engine.rows)
    #expect(next.engine.joinedRooms() == bot.engine.joinedRooms())

    #expect(try bot.value("channel leave pantry") == "Left pantry")
    #expect(bot.engine.joinedRooms().isEmpty)
    #expect(try !bot.value("channel list | join ,").text.contains("pantry"))
    #expect(try bot.value("react :tada:").isSuppressed && doors.reactions == [":tada:"])
  }

  @Test func whoIsInARoomCannotBeSetByHand() throws {
    let bot = TestBot()
    #expect(try bot.error("channel set is-member true")?.contains("cannot be changed") == true)
    #expect(bot.engine.joinedRooms().isEmpty)
  }

  @Test func whatIsMadeInPrivateStaysThere() throws {
    let bot = TestBot()
    let den = ChatPlace(adapter: "test", instance: "test", room: "alice", isPrivate: true)
    func ask(_ body: String, by person: ChatPerson, in place: ChatPlace) -> String {
      bot.engine.handle(ChatEvent(kind: .message, person: person, place: place, body: body)).map(\.text).joined()
    }
    #expect(ask("!cron * * * * * * * echo psst", by: bot.alice, in: den).contains("cron created"))
    #expect(ask("!cron list", by: bot.alice, in: den).contains("psst"))
    #expect(!ask("!cron list", by: bot.bob, in: bot.place).contains("psst"))
    #expect(ask("!cron remove 1", by: bot.bob, in: bot.place).contains("there is no cron 1"))
    let web = ChatPlace(adapter: "web", instance: "web", room: "web")
    #expect(bot.engine.graphQL("{ crons { cmd } }", place: web)["data"]?["crons"] == .list([]))
    // It speaks to whoever made it.
    bot.milliseconds += 2000
    let due = try #require(bot.engine.runCrons(at: bot.milliseconds).first)
    #expect(due.place == den && due.maker.id == "U1" && due.posts.map(\.text) == ["psst"])

    _ = ask("!channel set broadcast = true", by: bot.alice, in: den)
    #expect(bot.engine.broadcast("tea").isEmpty)
  }

  @Test func broadcastsGoWhereTheyAreWanted() throws {
    var configuration = Configuration()
    configuration.adminUsers = ["U1"]
    let bot = TestBot(configuration)
    #expect(bot.say("!broadcast tea").joined().contains("no room has asked"))
    _ = bot.say("!channel set broadcast = true")
    let other = ChatPlace(adapter: "irc", instance: "net", room: "pantry")
    for body in ["!channel set broadcast true", "!channel set color blue"] {
      _ = bot.engine.handle(ChatEvent(kind: .message, person: bot.bob, place: other, body: body))
    }
    #expect(bot.say("!broadcast tea", by: bot.bob).joined().contains("administrators only"))
    let said = bot.engine.handle(
      ChatEvent(kind: .message, person: bot.alice, place: bot.place, body: "!broadcast tea is ready"))
    #expect(said.map(\.text) == ["tea is ready", "tea is ready", "said in 2 rooms"])
    #expect(said.map(\.place) == [bot.place, other, nil])
    _ = bot.engine.handle(ChatEvent(kind: .message, person: bot.bob, place: other, body: "!channel unset broadcast"))
    #expect(bot.engine.broadcast("again").map(\.place) == [bot.place])
    #expect(bot.say("!broadcast done").last == "said in 1 room")
  }
}
