import HTTPClient
import Testing
import YetibotEngine

@testable import YetibotServices

/// `json`, `csv`, `curl` and `scrape`.
struct WebCommandTests {
  @Test("json and csv from an address; the rest is the pipeline's own")
  func data() throws {
    let bench = try Bench()
    let (outcome, asked) = bench.run("json https://x.example/a?b", .json(#"{"items":[1,2]}"#))
    #expect(asked.first?.scope == .named && asked.first?.request.address.text == "https://x.example/a?b")
    #expect(outcome?.value == ["items": [1, 2]] && outcome?.data == ["items": [1, 2]])
    #expect(bench.run("json https://x.example/", .json(#""text""#)).outcome?.value == "text")
    let table = bench.run("csv http://x.example/", Answer(body: "a,b\n\"1,5\",2\n", type: "text/csv")).outcome
    #expect(table?.value == ["1,5, 2"] && table?.data == [["a": "1,5", "b": "2"]])
    #expect(bench.run("csv http://x.example/", Answer(body: "<p>", type: "text/html")).outcome?.failure != nil)
    #expect(bench.run("json http://x.example/", .json("", status: 500)).outcome?.failure?.contains("500") == true)
    for text in ["json parse [1]", "json path $.a", "csv parse a,b", "json", "json ftp://x/"] {
      guard case .pass = bench.plan(text) else {
        Issue.record("\(text) was taken")
        continue
      }
    }
    for text in [
      "json http://u:p@x/", "json http://", "curl ftp://x/", "curl file:///etc/passwd", "scrape http://u@x p",
    ] {
      #expect(bench.run(text).outcome?.failure != nil, "\(text)")
    }
  }

  @Test("curl's few options")
  func curl() throws {
    let bench = try Bench()
    let post = bench.run(#"curl -s -X PUT -H "X-One: a b" -H 'Y: z' -d '{"a": 1}' https://x.example/"#, .json("done"))
    let request = try #require(post.asked.first?.request)
    #expect(request.method == "PUT" && request.body == Array(#"{"a": 1}"#.utf8))
    #expect(request.headers.map { "\($0.name)=\($0.value)" } == ["X-One=a b", "Y=z", "Content-Type=application/json"])
    #expect(post.outcome?.value == "done" && post.outcome?.data?["status"] == 200)
    let head = bench.run("curl -I https://x.example/", Answer(body: "", status: 404, type: "text/html"))
    #expect(head.asked.first?.request.method == "HEAD")
    #expect(head.outcome?.value == ["404", "content-type: text/html"])
    #expect(bench.run("curl https://x.example/", Answer(body: "\0\0PNG")).outcome?.failure?.contains("no text") == true)
    #expect(bench.run("curl -d a=b -d c=d https://x.example/").asked.first?.request.body == Array("a=b&c=d".utf8))
    for text in [
      "curl -o /tmp/x https://x/", "curl -H", "curl -X FLY https://x/", "curl https://x/ https://y/", "curl -I",
      "curl -K x",
    ] {
      #expect(bench.run(text).outcome?.failure != nil, "\(text)")
    }
    #expect(bench.run("curl").outcome?.value?.items?.count == 3)
  }

  @Test("what a selector finds on a page")
  func scrape() throws {
    let bench = try Bench()
    let page = Answer(
      body: #"<ul class=menu><li>Taco <b>hot</b><li>Soup</ul><a href="/next?a=b">on</a><img src=x.png>"#,
      type: "text/html")
    let list = bench.run("scrape https://x.example/dir/ ul.menu > li", page).outcome
    #expect(list?.value == ["Taco hot", "Soup"])
    #expect(list?.data?["0"]?["tag"] == "li" && list?.data?.items?.count == 2)
    #expect(bench.run(#"scrape "ul li" https://x.example/"#, page).outcome?.value == ["Taco hot", "Soup"])
    #expect(bench.run("scrape https://x.example/dir/ a @href", page).outcome?.value == ["https://x.example/next?a=b"])
    #expect(bench.run("scrape https://x.example/dir/ img @src", page).outcome?.value == ["https://x.example/dir/x.png"])
    #expect(bench.run("scrape https://x.example/ table", page).outcome?.failure != nil)
    #expect(bench.run("scrape https://x.example/ p[").outcome?.failure?.contains("character") == true)
    #expect(bench.run("scrape https://x.example/").outcome?.value?.items?.count == 1)
    let deep = Answer(body: String(repeating: "<b><p>", count: 100_000), type: "text/html")
    #expect(bench.run("scrape https://x.example/ i", deep).outcome?.failure != nil)
  }
}
