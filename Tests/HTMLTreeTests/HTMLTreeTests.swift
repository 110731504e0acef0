import HTMLTree
import Testing

/// Pages, and what selectors find in them.
struct HTMLTreeTests {
  private static let page = """
    <!doctype html><html><head><title>Menu</title><style>p {}</style></head><body>
    <ul id=food class="menu big"><li>Tacos <b>hot</b><li data-price="5" lang="en-GB">Soup<li>Bread</ul>
    <p>One</p><div><p class=note>Two<br>lines</p><a href="https://example.org/a.png">pi<i>ct</i>ure</a><script>no()</script></div>
    <custom-thing>x</custom-thing><p></p>
    </body></html>
    """

  private func texts(_ selector: String, in html: String = page) throws -> [String] {
    let document = try #require(HTMLDocument(html))
    return try Selector(selector).select(in: document).map { document.text(of: $0) }
  }

  @Test(
    "selectors",
    arguments: [
      ("li", ["Tacos hot", "Soup", "Bread"]), ("LI", ["Tacos hot", "Soup", "Bread"]), ("#food li b", ["hot"]),
      ("ul.menu.big > li:first-child", ["Tacos hot"]), ("li:last-child", ["Bread"]), ("li:nth-child(2)", ["Soup"]),
      ("li:nth-child(odd)", ["Tacos hot", "Bread"]), ("li:nth-child(-n+2)", ["Tacos hot", "Soup"]),
      ("li:nth-child(2n + 2)", ["Soup"]), ("li[data-price]", ["Soup"]), ("[data-price='5']", ["Soup"]),
      ("li[lang|=en]", ["Soup"]), ("a[href^=https][href$='.png']", ["picture"]),
      ("a[href*='example.org']", ["picture"]),
      ("[class~=big] b", ["hot"]), ("li:not([data-price])", ["Tacos hot", "Bread"]), ("li + li", ["Soup", "Bread"]),
      ("li:first-child ~ li", ["Soup", "Bread"]), ("p, custom-thing", ["One", "Two lines", "x", ""]), ("p:empty", [""]),
      ("body > p", ["One", ""]), ("div *", ["Two lines", "", "picture", "ct", "no()"]), ("title", ["Menu"]),
      ("div", ["Two lines picture"]), ("ul:only-child", []), ("b:only-child", ["hot"]), ("nothing", []),
    ])
  func selectors(_ selector: String, _ expected: [String]) throws { #expect(try texts(selector) == expected) }

  @Test(
    "selectors that are none say where",
    arguments: [
      "", " ", ",", "a,", "a >", "> a", "a[", "a[b", "a[b=", "a[b='c]", "#", ".", ":", ":hover", "a:nth-child(x)",
      "a:nth-child(99999999999999999999)", ":not(:not(a))", "a b(", "a{", String(repeating: "a ", count: 300),
    ])
  func wrong(_ selector: String) { #expect(throws: Selector.Failure.self) { try Selector(selector) } }

  @Test("attributes and texts")
  func contents() throws {
    let document = try #require(HTMLDocument(Self.page))
    let link = try #require(try Selector("a").select(in: document).first)
    #expect(document.element(link)?.tag == "a" && document.element(link)?["href"] == "https://example.org/a.png")
    #expect(document.text(of: link, limit: 3) == "pic…")
    #expect(document.element(-1) == nil && document.element(1_000_000) == nil && document.text(of: 1_000_000) == "")
    #expect(try texts("p", in: "<p>a&amp;b &lt;c&gt; \u{0} ä") == ["a&b <c> ä"])
    #expect(HTMLDocument([0x3C, 0x70, 0x3E, 0xFF, 0xFE, 0xC3]) != nil)
    #expect(try texts("*", in: "").count == 3)
  }

  @Test("pages that were made to be hard are read or given up, and nothing else")
  func hostile() throws {
    func times(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }
    // As deep as it is long; elements that are opened again in each paragraph; what the standard repairs.
    let pages = [
      times("<div>", 150_000), times("<b>", 200_000),
      (0..<2000).map { "<b a=\($0)>" }.joined() + times("<p>x</p>", 60_000),
      times("<table>", 50_000), times("<a><p>", 50_000), times("<svg><desc>", 50_000), times("</p>", 200_000),
      times("<i><b></i>", 30_000), times("<", 500_000), times("<a b=c ", 100_000),
      "<p " + (0..<20_000).map { "a\($0) " }.joined() + ">",
      times("<select><option>", 50_000), times("<template>", 50_000), "<!--" + times("-", 500_000),
    ]
    var read = 0
    for page in pages {
      guard let document = HTMLDocument(page) else { continue }
      read += 1
      _ = try? Selector("div div b > p ~ p").select(in: document)
      _ = document.text(of: 0)
    }
    #expect(read > 0)
    #expect(HTMLDocument([UInt8](repeating: 0x61, count: HTMLDocument.longest + 1)) == nil)
    // A selector with many ways to fail stops.
    let deep = try #require(HTMLDocument(times("<div>", 2000)))
    #expect(throws: Selector.Failure.self) { try Selector("x " + times("div ", 12) + "div").select(in: deep) }
  }

  @Test("random bytes are some page")
  func random() {
    var generator = SystemRandomNumberGenerator()
    let pieces = [
      "<", ">", "/", "div", "table", "tr", "td", "a", "b", "p", "=", "\"", "'", "&", "amp;", " ", "x", "<!--", "-->",
      "svg", "script",
    ]
    for _ in 0..<300 {
      let text = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
      }
      #expect(HTMLDocument(text.joined()) != nil, "\(text.joined())")
    }
  }
}
