import Testing

@testable import YetibotStore

@Suite struct SQLQueryTests {
  @Test func theTextHasItsParts() {
    var query = SQLQuery("my-rows", select: "a", "COUNT(*)")
    query.equalities = [("user-id", .text("x"))]
    query.require("b > ?", .integer(2))
    query.group = "a"
    query.having = "COUNT(*) > 1"
    query.order = "a DESC"
    query.offset = 3
    #expect(
      query.text
        == "SELECT a, COUNT(*) FROM yetibot_my_rows WHERE user_id=? AND b > ? GROUP BY a HAVING COUNT(*) > 1 ORDER BY a DESC LIMIT -1 OFFSET 3"
    )
    #expect(query.values == [.text("x"), .integer(2)])
  }

  @Test func twoQueriesAreOne() {
    var first = SQLQuery("rows", select: "a")
    first.require("x = ?", .integer(1))
    first.limit = 5
    first.equalities = [("k", .integer(1))]
    var second = SQLQuery("", select: "a", "b")
    second.require("y = ?", .integer(2))
    second.equalities = [("k", .integer(3))]
    second.order = "a"
    let both = first.merged(with: second)
    #expect(both.text == "SELECT a, b FROM yetibot_rows WHERE k=? AND x = ? AND y = ? ORDER BY a LIMIT 5")
    #expect(both.values == [.integer(3), .integer(1), .integer(2)])
    #expect(SQLQuery("rows").text == "SELECT * FROM yetibot_rows")
  }
}
