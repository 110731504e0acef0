import Foundation
import HTTPClient
import Testing
import YetibotEngine

@testable import YetibotServices

/// Services: what is asked for a command, and what is made of the answer.
struct ServiceTests {
  struct Case: Sendable {
    var command: String
    var url: String
    var answer: String
    var value: Value
  }

  static let cases: [Case] = [
    Case(
      command: "rhyme cat", url: "https://api.datamuse.com/words?rel_rhy=cat",
      answer: #"[{"word":"hat","score":1},{"word":"bat"}]"#, value: ["hat", "bat"]),
    Case(
      command: "chuck", url: "https://api.chucknorris.io/jokes/random", answer: #"{"value":"ha"}"#, value: "ha"),
    Case(
      command: "chuck round house", url: "https://api.chucknorris.io/jokes/search?query=round%20house",
      answer: #"{"total":2,"result":[{"value":"one"},{"value":"two"}]}"#, value: "one"),
    Case(
      command: "meme doge: so_much wow? / 100% a-b", url: "https://api.memegen.link/templates?filter=doge",
      answer: #"[{"id":"doge","name":"Doge"}]"#,
      value: "https://api.memegen.link/images/doge/so__much_wow~q/100~p_a--b.png"),
    Case(
      command: "meme doge: alone", url: "https://api.memegen.link/templates?filter=doge",
      answer: #"[{"id":"doge","name":"Doge"}]"#, value: "https://api.memegen.link/images/doge/alone/_.png"),
    Case(
      command: "meme list", url: "https://api.memegen.link/templates?filter=",
      answer: #"[{"id":"fry","name":"Futurama Fry"}]"#,
      value: ["fry: Futurama Fry"]),
    Case(
      command: "giphy taco & salsa", url: "https://api.giphy.com/v1/gifs/search?limit=25&q=taco%20%26%20salsa",
      answer: #"{"data":[{"images":{"original":{"url":"https://x/1.gif"}}}]}"#, value: "https://x/1.gif"),
    Case(
      command: "urban taco", url: "https://api.urbandictionary.com/v0/define?term=taco",
      answer: #"{"list":[{"word":"taco","definition":"a [folded] thing"}]}"#, value: ["taco: a folded thing"]),
    Case(
      command: "xkcd 614", url: "https://xkcd.com/614/info.0.json",
      answer: #"{"num":614,"title":"Woodpecker","alt":"If","img":"https://i/w.png"}"#,
      value: "https://i/w.png\n614: Woodpecker. If"),
    Case(
      command: "google tacos",
      url: "https://www.googleapis.com/customsearch/v1?num=5&cx=engine&q=tacos",
      answer: #"{"items":[{"title":"Tacos","link":"https://t"}]}"#, value: ["Tacos https://t"]),
    Case(
      command: "google image tacos",
      url: "https://www.googleapis.com/customsearch/v1?searchType=image&num=10&cx=engine&q=tacos",
      answer: #"{"items":[{"link":"https://t.png"}]}"#, value: "https://t.png"),
    Case(
      command: "weather San José", url: "https://api.weatherbit.io/v2.0/current?city=San%20Jos%C3%A9",
      answer:
        #"{"data":[{"city_name":"San José","temp":20.5,"app_temp":21,"wind_spd":2.1,"weather":{"description":"Clear"}}]}"#,
      value: "San José: Clear, 20.5 °C, feels like 21 °C, wind 2.1 m/s"),
    Case(
      command: "weather 98101", url: "https://api.weatherbit.io/v2.0/current?postal_code=98101&country=US",
      answer: #"{"data":[{"city_name":"S","temp":1,"app_temp":1,"wind_spd":1,"weather":{"description":"Rain"}}]}"#,
      value: "S: Rain, 1 °C, feels like 1 °C, wind 1 m/s"),
    Case(
      command: "weather forecast Oslo", url: "https://api.weatherbit.io/v2.0/forecast/daily?days=5&city=Oslo",
      answer: #"{"data":[{"datetime":"2026-01-01","min_temp":-3,"max_temp":2,"weather":{"description":"Snow"}}]}"#,
      value: ["2026-01-01: Snow, -3 to 2 °C"]),
    Case(
      command: "wiki Jupiter", url: "https://en.wikipedia.org/w/rest.php/v1/search/page?limit=5&q=Jupiter",
      answer:
        #"{"pages":[{"key":"Jupiter","title":"Jupiter","description":"Planet"},{"key":"J_2","title":"J 2","description":null}]}"#,
      value: ["Jupiter: Planet https://en.wikipedia.org/wiki/Jupiter", "J 2 https://en.wikipedia.org/wiki/J_2"]),
    Case(
      command: "stock ACME", url: "https://www.alphavantage.co/query?function=GLOBAL_QUOTE&symbol=ACME",
      answer:
        #"{"Global Quote":{"01. symbol":"ACME","05. price":"12.5","07. latest trading day":"2026-01-02","10. change percent":"1%"}}"#,
      value: "ACME: 12.5 (1%, 2026-01-02)"),
    Case(
      command: "twitter search tacos", url: "https://api.twitter.com/2/tweets/search/recent?max_results=10&query=tacos",
      answer: #"{"data":[{"text":"mmh"}]}"#, value: ["mmh"]),
    Case(
      command: "slack emoji", url: "https://slack.com/api/emoji.list",
      answer: #"{"ok":true,"emoji":{"taco":"https://e/taco.png"}}"#, value: ["taco": "https://e/taco.png"]),
    Case(
      command: "discord emoji 42", url: "https://discord.com/api/v10/guilds/42/emojis",
      answer: #"[{"id":"7","name":"taco"}]"#, value: [":taco: https://cdn.discordapp.com/emojis/7.png"]),
    Case(
      command: "jira AB-12",
      url: "https://jira.example.org/rest/api/2/issue/AB-12?fields=summary,status,assignee,description",
      answer:
        #"{"key":"AB-12","fields":{"summary":"Oven","status":{"name":"Open"},"assignee":null,"description":"cold"}}"#,
      value: "AB-12 [Open] Oven (nobody)\ncold"),
    Case(
      command: #"jira search "cold oven""#,
      url:
        "https://jira.example.org/rest/api/2/search/jql?maxResults=15&fields=summary,status,assignee&jql=text%20~%20%22cold%20oven%22",
      answer:
        #"{"issues":[{"key":"A-1","fields":{"summary":"S","status":{"name":"Done"},"assignee":{"displayName":"Bob"}}}]}"#,
      value: ["A-1 [Done] S (Bob)"]),
    Case(
      command: "gh devth/yetibot", url: "https://api.github.com/repos/devth/yetibot",
      answer:
        #"{"full_name":"devth/yetibot","description":"d","stargazers_count":3,"open_issues_count":4,"html_url":"https://g"}"#,
      value: "devth/yetibot: d (3 stars, 4 open issues) https://g"),
    Case(
      command: "gh pr a/b", url: "https://api.github.com/repos/a/b/pulls?per_page=20",
      answer: #"[{"number":7,"title":"T","user":{"login":"ann"},"html_url":"https://g/7"}]"#,
      value: ["#7 T (ann) https://g/7"]),
    Case(
      command: "jen list web", url: "https://jenkins.example.org/api/json?tree=jobs%5Bname,color,url%5D",
      answer: #"{"jobs":[{"name":"Web-app","color":"blue"},{"name":"api","color":"red"}]}"#, value: ["Web-app: blue"]),
    Case(
      command: "jen build a/b", url: "https://jenkins.example.org/job/a%2Fb/build", answer: "",
      value: "a/b will be built"),
    Case(
      command: "pd",
      url:
        "https://api.pagerduty.com/incidents?statuses%5B%5D=triggered&statuses%5B%5D=acknowledged&limit=25",
      answer: #"{"incidents":[{"incident_number":1,"status":"triggered","title":"T","service":{"summary":"S"}}]}"#,
      value: ["#1 [triggered] T (S)"]),
  ]

  @Test("what is asked, and what is said", arguments: cases)
  func ready(_ test: Case) throws {
    let (outcome, asked) = try Bench().run(test.command, .json(test.answer))
    #expect(asked.map(\.request.address.text) == [test.url])
    #expect(outcome?.value == test.value, "\(outcome?.failure ?? "no failure")")
    // Each value has what it was made from, one entry for each item.
    let data = try #require(outcome?.data)
    #expect(data.items?.count == test.value.items?.count)
    #expect(data != .null)
  }

  @Test("steps use what the ones before have found")
  func steps() throws {
    let (outcome, asked) = try Bench().run(
      "twitter show @ann", .json(#"{"data":{"id":"77","name":"Ann"}}"#), .json(#"{"data":[{"text":"a"},{"text":"b"}]}"#)
    )
    #expect(asked.last?.request.address.path == "/2/users/77/tweets")
    #expect(outcome?.value == ["a", "b"])
    let nobody = try Bench().run("twitter show ann", .json(#"{"errors":[{"detail":"there is no ann"}]}"#))
    #expect(nobody.outcome?.failure == "api.twitter.com: there is no ann" && nobody.asked.count == 1)
    let text = try Bench().run("wolfram how many", Answer(body: "five", type: "text/plain"))
    #expect(text.outcome?.value == "five")
  }

  @Test("what somebody types stays one piece of the address")
  func injection() throws {
    let nasty = [
      "../../x", "a/../b", "?x=y", "#", "a&key=b", "%2e%2e", "@evil.example", "\r\nX: y", "ä\u{202E}", "{{base}}",
    ]
    let own: [String: Value] = [
      "probe": ["address": "https://p.example/base", "url": "{{base}}/{{args}}/x?q={{args}}"]
    ]
    let bench = try Bench(own: own)
    for text in nasty {
      let asked = bench.run("probe \(text)", .json("{}")).asked
      let address = try #require(asked.first?.request.address, "\(text)")
      #expect(
        address.host == "p.example" && address.path.hasPrefix("/base/") && address.path.hasSuffix("/x"),
        "\(address.text)")
      #expect(
        address.text.split(separator: "?").count == 2 && !address.text.contains("&") && !address.text.contains("\n"))
    }
    for text in ["..", "."] {
      let (outcome, asked) = bench.run("probe \(text)")
      #expect(asked.isEmpty && outcome?.failure?.contains("cannot stand in an address") == true)
    }
    #expect(bench.run("probe " + String(repeating: "x", count: 5000)).outcome?.failure?.contains("4096") == true)
    // A user cannot leave the part of GitHub that was meant.
    #expect(try Bench().run("gh ../user").asked.isEmpty)
    // A body of JSON is written with a filter that quotes.
    let said = try Bench().run(#"jira comment AB-1 say "hi" \ there"#, .json(#"{"id":"1"}"#, status: 201))
    let body = try #require(said.asked.first?.request.body)
    #expect(try JSONText.parse(String(decoding: body, as: UTF8.self)) == ["body": #"say "hi" \ there"#])
    #expect(said.outcome?.value == "AB-1: said")
  }

  @Test("what goes wrong is said in words")
  func failures() throws {
    let bench = try Bench()
    func failure(_ command: String, _ answer: Answer) -> String {
      bench.run(command, answer).outcome?.failure ?? "none"
    }
    #expect(failure("rhyme cat", .json("[]")) == "nothing rhymes with cat")
    #expect(
      failure("wiki x", .json(#"{"message":"gone"}"#, status: 404)).contains("answered 404 (there is nothing): gone"))
    let often = failure("rhyme cat", Answer(body: "{}", status: 429, headers: [("retry-after", "30")]))
    #expect(often.contains("asked too often") && often.hasSuffix("it may be asked again in 30 s"))
    let page = failure("rhyme cat", Answer(body: "<html>", type: "text/html"))
    #expect(page.contains("api.datamuse.com answered with text/html") && page.contains("not JSON"))
    #expect(failure("rhyme cat", .json(#"{"unexpected": true}"#)) == "none")
    #expect(failure("wiki x", .json("[1]")).contains("no article"))
    #expect(failure("stock X", .json(#"{"Information":"too many"}"#)) == "www.alphavantage.co: too many")
    #expect(failure("stock X", .json(#"{"Global Quote":{}}"#)) == "there is no share X")
    #expect(failure("rhyme cat", .json(String(repeating: "[", count: 1000))).contains("64 levels"))
    #expect(failure("rhyme cat", Answer(body: "\u{FFFD}")).contains("not JSON"))
    // Arguments that fit no form get the usage.
    #expect(bench.run("rhyme").outcome?.value?.items?.first == "rhyme <word> # words that rhyme with it")
    let nowhere = Pack(catalog: try ServiceCatalog())
    guard
      case .answer(.failure(let text)) = nowhere.plan(
        for: CommandRequest(command: "jira", args: "AB-1"), random: 0, milliseconds: 0)
    else {
      Issue.record("asked nowhere")
      return
    }
    #expect(text.contains("set addresses.jira"))
  }

  @Test("secrets go where the service wants them, and to it alone")
  func secrets() throws {
    func secret(_ command: String) throws -> (ServiceSecret?, Fetch) {
      let fetch = try #require(try Bench().run(command).asked.first)
      return (fetch.secret, fetch)
    }
    let (query, fetch) = try secret("giphy cat")
    var request = fetch.request
    query?.apply("s3cr3t", to: &request)
    #expect(request.secretQuery.map(\.name) == ["api_key"] && !request.address.text.contains("s3cr3t"))
    #expect(query?.missing == "giphy needs a secret: set giphy_key in yetibot-pack's configuration")
    let (bearer, issues) = try secret("gh issues a/b")
    request = issues.request
    bearer?.apply("s3cr3t", to: &request)
    #expect(request.headers.contains { $0.name == "Authorization" && $0.value == "Bearer s3cr3t" && $0.isSecret })
    #expect(bearer?.isRequired == false)
    let (basic, list) = try secret("jen list")
    request = list.request
    basic?.apply("ann:word", to: &request)
    #expect(request.headers.contains { $0.value == "Basic YW5uOndvcmQ=" && $0.isSecret })
    #expect(list.scope == .service(base: try HTTPAddress("https://jenkins.example.org/"), isConfigured: true))
    #expect(fetch.scope == .service(base: try HTTPAddress("https://api.giphy.com"), isConfigured: false))
    // An address elsewhere, which a step may lead to, gets none.
    let own: [String: Value] = [
      "two": ["address": "https://a.example", "url": "https://b.example/x", "secret": ["query": "key"]]
    ]
    #expect(try Bench(own: own).run("two").asked.first?.secret == nil)
  }

  @Test("an operator's own services, and the list of all")
  func own() throws {
    let bench = try Bench(own: [
      "menu": [
        "category": "fun", "address": "https://m.example", "usage": "menu <day> # what there is", "match": #"^(\w+)$"#,
        "url": "{{base}}/menu.csv?day={{match.1}}&by={{user_name}}", "format": "csv",
        "item": "{{dish}} for {{price}} on {{match.1}}",
        "limit": 2, "headers": ["X-Channel": "{{channel}}"],
      ],
      "shout": [
        "address": "https://m.example", "url": "{{base}}/shout", "form": ["text": "{{args}}", "to": "all & you"],
      ],
    ])
    let (outcome, asked) = bench.run(
      "service menu monday", Answer(body: "dish,price\nSoup,3\nTaco,4\nPie,5\n", type: "text/csv"))
    #expect(asked.first?.request.address.text == "https://m.example/menu.csv?day=monday&by=ann")
    #expect(asked.first?.request.headers.contains { $0.name == "X-Channel" && $0.value == "#kitchen" } == true)
    #expect(outcome?.value == ["Soup for 3 on monday", "Taco for 4 on monday"])
    #expect(outcome?.data == [["dish": "Soup", "price": "3"], ["dish": "Taco", "price": "4"]])
    let body = bench.run("shout hello & goodbye", .json("{}")).asked.first?.request.body
    #expect(body.map { String(decoding: $0, as: UTF8.self) } == "text=hello%20%26%20goodbye&to=all%20%26%20you")
    let lines = bench.run("service").outcome?.value?.items?.map(\.text) ?? []
    #expect(lines.contains("menu <day> # what there is") && lines.contains("shout # asks shout"))
    #expect(bench.run("service nothing").outcome?.failure?.contains("there is no service nothing") == true)
    guard case .pass = bench.plan("unknown x") else {
      Issue.record("took a command that is not its own")
      return
    }
  }

  private static let wrongOnes: [(name: String, service: Value, says: String)] = [
    ("s", [:], "services.s.url"), ("s", "text", "services.s: a mapping"),
    ("s", ["url": "x", "colour": "y"], "services.s.colour: there is no such key"),
    ("s", ["url": "x", "forms": []], "services.s.url: stands beside forms"), ("s", ["forms": []], "services.s.forms"),
    (
      "s", ["forms": [["url": "x", "item": "{{a|nofilter}}"]]],
      "services.s.forms[0].item: there is no filter nofilter"
    ),
    ("s", ["forms": [["steps": [["url": "x", "limit": 1000]]]]], "services.s.forms[0].steps[0].limit"),
    ("s", ["url": "x", "match": "("], "services.s.match"), ("s", ["url": "x", "pick": "items"], "services.s.pick"),
    ("s", ["url": "x", "format": "xml"], "services.s.format: one of json, text, csv, address"),
    ("s", ["url": "x", "method": "EXPLODE"], "services.s.method"),
    ("s", ["url": "x", "secret": [:]], "services.s.secret"),
    ("s", ["url": "x", "address": "ftp://x"], "services.s.address"), ("a b", ["url": "x"], "services.a b: a name"),
  ]

  @Test("a service that is wrong says where", arguments: wrongOnes)
  func wrong(_ name: String, _ service: Value, _ says: String) throws {
    do {
      _ = try ServiceCatalog(own: [name: service])
      Issue.record("taken")
    } catch { #expect("\(error)".hasPrefix(says), "\(error)") }
  }

  @Test("the manifest says of each command what the command says of itself")
  func manifest() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("manifests/yetibot-pack.yaml"), encoding: .utf8)
    let catalog = try ServiceCatalog()
    #expect(catalog.names.count == 18)
    for service in catalog.names.compactMap({ catalog[$0] }) {
      #expect(text.contains("match: {/command: \(service.name)}"), "\(service.name)")
      for line in service.usage { #expect(text.contains("\"\(line)\""), "\(line)") }
      if let setting = service.secret?.setting { #expect(text.contains("\n  \(setting): {type: secret"), "\(setting)") }
      #expect(
        service.categories.allSatisfy { name in Yetibot.categories.contains { $0.name == name } }, "\(service.name)")
    }
    for line in MailCommand.usage + CurlOptions.usage { #expect(text.contains("\"\(line)\""), "\(line)") }
  }
}
