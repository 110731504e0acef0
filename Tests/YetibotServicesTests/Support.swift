import HTTPClient
import YetibotEngine

@testable import YetibotServices

/// What a command becomes, with a server that answers from a table.
struct Bench {
  var pack: Pack

  init(
    own: [String: Value] = [:], addresses: [String: String] = [:], mail: MailSettings? = nil,
    remote: RemoteSettings? = nil
  ) throws {
    let everywhere = ["jira": "https://jira.example.org", "jen": "https://jenkins.example.org/"]
    pack = Pack(
      catalog: try ServiceCatalog(
        own: own, addresses: everywhere.merging(addresses) { $1 }, settings: ["google_engine": "engine"]),
      mail: mail, remote: remote)
  }

  func plan(_ text: String, opts: Value? = nil, user: String = "U1", roles: [String] = [], random: UInt64 = 0) -> Plan {
    let (command, args) = Yetibot.splitCommand(text)
    return pack.plan(
      for: CommandRequest(
        command: command, args: args, opts: opts.map { JSONBox($0) }, user: user, userName: "ann", roles: roles,
        channel: "#kitchen"),
      random: random, milliseconds: 1_700_000_000_000)
  }

  /// Carries a plan out, and what was asked on the way.
  func run(_ text: String, random: UInt64 = 0, _ answers: Answer...) -> (outcome: Outcome?, asked: [Fetch]) {
    var plan = plan(text, random: random)
    var asked: [Fetch] = []
    var answers = answers[...]
    while case .fetch(let fetch, let then) = plan {
      asked.append(fetch)
      guard let answer = answers.popFirst() else { return (nil, asked) }
      plan = then(answer.response(to: fetch.request.address))
    }
    if case .answer(let outcome) = plan { return (outcome, asked) }
    return (nil, asked)
  }
}

/// What a server says.
struct Answer {
  var body: String
  var status = 200
  var type = "application/json"
  var headers: [(name: String, value: String)] = []

  static func json(_ body: String, status: Int = 200) -> Answer { Answer(body: body, status: status) }

  func response(to address: HTTPAddress) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: [("content-type", type)] + headers, body: Array(body.utf8), address: address)
  }
}

extension Outcome {
  /// The value of an answer, or nil.
  var value: Value? {
    switch self {
    case .plain(let value): value
    case .record(let answer): answer.value
    case .failure: nil
    }
  }

  var data: Value? { if case .record(let answer) = self { answer.data } else { nil } }
  var failure: String? { if case .failure(let text) = self { text } else { nil } }
}
