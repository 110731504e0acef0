import Testing

@testable import YetibotEngine

@Suite struct WebTests {
  let bot = TestBot()

  func ask(_ query: String, _ variables: Value = .null) -> Value {
    bot.engine.graphQL(query, variables: variables, place: bot.place)
  }

  @Test func expressionsAreEvaluated() {
    #expect(ask("{eval(expr: \"list a b\")}") == ["data": ["eval": ["a", "b"]]])
    #expect(ask("{eval(expr: \"error x\")}") == ["data": ["eval": ["💥 Error in `error x`: x 💥"]]])
    #expect(
      ask("query Q($e: String!) { out: eval(expr: $e) __typename }", ["e": "echo hi"]) == [
        "data": ["out": ["hi"], "__typename": "Query"]
      ])
    let failed = ask("{eval(expr: \"echo |\") users { id }}")
    #expect(failed["errors"]?.items?.count == 1)
    #expect(failed["data"]?["eval"] == .null)
    // It is no administrator.
    #expect(ask("{eval(expr: \"eval 1\")}")["data"]?["eval"]?.items?.first?.text.contains("may not evaluate") == true)
  }

  @Test func theBotIsDescribed() {
    _ = bot.say("!alias hi = echo hello")
    _ = bot.say("!karma @bob++ nice")
    _ = bot.say("needle in a haystack", by: bot.bob)
    _ = bot.engine.handle(
      ChatEvent(
        kind: .message, person: bot.bob,
        place: ChatPlace(adapter: "test", instance: "test", room: "bob", isPrivate: true), body: "a secret needle"))
    #expect(ask("{aliases {cmd_name cmd}}") == ["data": ["aliases": [["cmd_name": "hi", "cmd": "echo hello"]]]])
    #expect(ask("{karmas(report: SCORES) {user_id score}}") == ["data": ["karmas": [["user_id": "bob", "score": 1]]]])
    #expect(ask("{karmas(report: GIVERS) {user_id}}") == ["data": ["karmas": [["user_id": "U1"]]]])
    #expect(
      ask("{history(search_query: \"NEEDLE\") {body user_name}}") == [
        "data": ["history": [["body": "needle in a haystack", "user_name": "bob"]]]
      ])
    #expect(
      ask("{history(commands_only: true, limit: 1) {body}}") == ["data": ["history": [["body": "!karma @bob++ nice"]]]])
    #expect(ask("{history_item(id: 1) {body}}") == ["data": ["history_item": ["body": "!alias hi = echo hello"]]])
    #expect(
      ask("{stats {alias_count command_count user_count}}") == [
        "data": ["stats": ["alias_count": 1, "command_count": 2, "user_count": 2]]
      ])
    #expect(ask("{adapters {uuid is_connected}}") == ["data": ["adapters": [["uuid": "test", "is_connected": true]]]])
    #expect(
      ask("{user(id: \"U2\") {username ...k}} fragment k on User {karma}") == [
        "data": ["user": ["username": "bob", "karma": 0]]
      ])
    #expect(ask("{users {id} eval(expr: \"echo\") @skip(if: true)}")["data"]?.members?.keys == ["users"])
  }

  @Test func wrongQueriesSayWhatIsWrong() {
    _ = bot.say("hello")
    func message(_ query: String) -> String { ask(query)["errors"]?.items?.first?["message"]?.text ?? "" }
    #expect(message("{eval(expr:iwillfail)}").contains("must be a string in quotes"))
    #expect(message("{nope}").contains("has no field nope"))
    #expect(message("{users}").contains("needs a selection"))
    #expect(message("{users {id {x}}}").contains("has no fields"))
    #expect(message("mutation {x}").contains("only questions"))
    #expect(message("{eval(expr: \"a}").contains("line 1, column"))
    #expect(message("{users {...f}} fragment f on User {...f}").contains("without an end"))
    #expect(message(String(repeating: "{a", count: 50)).contains("levels"))
    #expect(message("").contains("a name was expected"))
    #expect(message("{eval(expr: $x)}").contains("no variable"))
    #expect(message("{eval}").contains("expr is missing"))
    #expect(message("query ($e: String!) {eval(expr: $e)}").contains("$e needs a value"))
    #expect(message("{history(limt: 3) {id}}").contains("history has no argument limt; it has limit, offset"))
    #expect(message("{users(limit: 3) {id}}").contains("has no argument limit"))
    #expect(message("{history(limit: 99999999999) {id}}").contains("32 bits"))
    #expect(message("{history(limit: 1, limit: 2) {id}}").contains("given twice"))
    #expect(message("{karmas(report: \"SCORES\") {score}}").contains("without quotes"))
    #expect(message("{user {id}}").contains("id is missing"))
    #expect(message("{user(id: 1.5) {id}}").contains("must be an id"))
    #expect(message("{a: stats {uptime} a: users {id}}").contains("asked for in two ways"))
    #expect(message("{users {...f}} fragment f on Alias {id}").contains("can add nothing to User"))
    #expect(message("{users {... on Nobody {id}}}").contains("there is no type Nobody"))
    #expect(message("{users {id @nope}}").contains("no directive @nope"))
    #expect(message("{users {id @skip(unless: true)}}").contains("needs an if"))
    #expect(message("{__schema {types {name}}}").contains("not told"))
    #expect(message("{history(limit: 01) {id}}").contains("a value was expected"))
    #expect(message("{eval(expr: \"a\\x\")}").contains("escape"))
    #expect(message("query A {users {id}} query B {users {id}}").contains("there are 2"))
    #expect(message("fragment a on User {id} fragment a on User {id} {users {id}}").contains("name of its own"))
  }

  @Test func nothingRunsOfAWrongQuery() throws {
    #expect(ask("{eval(expr: \"alias a = echo x\") history(limit: \"3\") {id}}")["data"] == nil)
    #expect(ask("{eval(expr: \"alias a = echo x\") users {id nope}}")["data"] == nil)
    #expect(try bot.error("alias")?.contains("there are no aliases") == true)
  }

  @Test func fieldsWithOneNameAreOne() {
    _ = bot.say("hello")
    #expect(
      ask("{users {id} users {name ...f} ...g} fragment f on User {id username} fragment g on Query {users {karma}}")
        == ["data": ["users": [["id": "U1", "name": "alice", "username": "alice", "karma": 0]]]])
    #expect(
      ask("{eval(expr: \"karma @bob++\") eval(expr: \"karma @bob++\")}") == ["data": ["eval": [":rainbow: <@bob>: 1"]]])
    #expect(ask("{users {__typename}}") == ["data": ["users": [["__typename": "User"]]]])
    #expect(ask("{users {id} eval(expr: \"echo\") @include(if: false)}")["data"]?.members?.keys == ["users"])
  }

  /// Fragments that each stand twice in the one before.
  @Test(.timeLimit(.minutes(20))) func fragmentsAreReadOnce() {
    let chain = (0..<40).map { "fragment f\($0) on User {...f\($0 + 1) ...f\($0 + 1)}" }.joined(separator: " ")
    _ = bot.say("hello")
    #expect(
      ask("{users {...f0 ...f0}} \(chain) fragment f40 on User {__typename id}")
        == ["data": ["users": [["__typename": "User", "id": "U1"]]]])
  }

  @Test func failuresSayWhere() {
    let answer = ask("{a: eval(expr: \"fxthrow |\") stats(timezone_offset_hours: 99) {uptime} users {id}}")
    #expect(answer["errors"]?.items?.map { $0["path"] ?? .null } == [["a"], ["stats"]])
    #expect(answer["data"]?.members?.keys == ["a", "stats", "users"])
    #expect(answer["data"]?["stats"] == .null)
    let late = ask("{eval(expr: \"repeat 10 repeat 10 repeat 10 repeat 10 echo x\")}")
    #expect(late["data"] == .null && late["errors"]?.items?.count == 1)
  }

  @Test func textsAreGraphQLs() {
    #expect(
      ask("{eval(expr: \"\"\"\n    echo a\n      b\n    c\\\"\"\"\n  \"\"\")}") == [
        "data": ["eval": ["a\n  b\nc\"\"\""]]
      ])
    #expect(ask("{eval(expr: \"echo \\u00e9\\n,\")}") == ["data": ["eval": ["é\n,"]]])
    #expect(
      ask(
        "\u{FEFF}query ($e: String = \"echo x\", $u: Boolean) # a comment\r\n{ eval(expr: $e) users @skip(if: true) {id} }"
      )
        == ["data": ["eval": ["x"]]])
  }

  @Test func theAPIEvaluatesAndSpeaks() {
    let answer = bot.engine.api(["chat-source": "{:uuid \"C1\", :room \"#my\"}", "command": "!list a b"])
    #expect(answer.text == "a\nb")
    #expect(answer.posts == [Post(kind: .paste, room: "#my", text: "a\nb")])
    #expect(bot.engine.api(["chat-source": ["uuid": "a", "room": "b"], "text": "echo x"]).text == "x")
    #expect(bot.engine.api(["command": "echo x"]).text.contains("required"))
    #expect(bot.engine.api(["chat-source": "nonsense", "command": "echo x"]).posts.isEmpty)
    #expect(WebHealth(isStorageUp: true, adapters: [true]).status == 200)
    #expect(WebHealth(isStorageUp: false, adapters: []).status == 503)
  }

  @Test func ednIsRead() throws {
    #expect(
      try EDNText.parse("{:a [1 2.5 nil true], \"b\" #{x}, ; a comment\n :c/d \"q\\\"\\n\"}")
        == ["a": [1, .double(2.5), .null, true], "b": ["x"], "c/d": "q\"\n"])
    for bad in ["", "{:a}", "[1", "\"x", ")", "1 2", String(repeating: "[", count: 100)] {
      #expect(throws: Raised.self, "\(bad)") { try EDNText.parse(bad) }
    }
  }
}
