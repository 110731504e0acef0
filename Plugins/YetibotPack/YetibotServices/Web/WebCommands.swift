import HTMLTree
import HTTPClient
import YetibotEngine

/// `json`, `csv`, `curl` and `scrape`: what somebody in a chat names is fetched.
enum WebCommands {
  /// The words that it knows.
  static let names = ["json", "csv", "curl", "scrape"]

  static func plan(_ command: String, _ args: String) -> Plan {
    let args = args.trimmed
    do {
      switch command {
      case "json": return try json(args)
      case "csv": return try csv(args)
      case "curl": return try curl(args)
      case "scrape": return try scrape(args)
      default: return .pass
      }
    } catch { return .fail("\(error)") }
  }

  private static func fetch(_ request: HTTPRequest, then: @escaping (HTTPResponse) -> Outcome) -> Plan {
    .fetch(Fetch(request: request, secret: nil, scope: .named)) { .answer(then($0)) }
  }

  private static func isAddress(_ text: String) -> Bool {
    let text = text.prefix(8).lowercased()
    return text.hasPrefix("http://") || text.hasPrefix("https://")
  }

  // MARK: Data

  /// `json <url>`; what does not begin with an address is the pipeline's own.
  private static func json(_ args: String) throws -> Plan {
    guard isAddress(args) else { return .pass }
    var request = HTTPRequest("GET", try HTTPAddress(args))
    request.headers = [.init("Accept", "application/json, */*;q=0.5")]
    return fetch(request) { response in
      guard response.isSuccess else { return .failure(StatusText.describe(response)) }
      do {
        let value = try JSONText.parse(response.text)
        return .record(.init(value.isCollection ? value : .string(value.text), data: value))
      } catch {
        let type = response.mediaType.isEmpty ? "something" : response.mediaType
        return .failure("\(response.address.host) answered with \(type): \(error)")
      }
    }
  }

  /// `csv <url>`
  private static func csv(_ args: String) throws -> Plan {
    guard isAddress(args) else { return .pass }
    var request = HTTPRequest("GET", try HTTPAddress(args))
    request.headers = [.init("Accept", "text/csv, text/plain, */*;q=0.5")]
    return fetch(request) { response in
      guard response.isSuccess else { return .failure(StatusText.describe(response)) }
      if response.mediaType == "text/html" {
        return .failure("\(response.address.host) answered with a page and not with CSV")
      }
      guard let (lines, maps) = CSV.records(response.text) else { return .plain([]) }
      return .record(.init(.strings(lines), data: .list(maps)))
    }
  }

  // MARK: Whole answers

  private static func curl(_ args: String) throws -> Plan {
    guard !args.isEmpty else { return .answer(.plain(.strings(CurlOptions.usage))) }
    let options = try CurlOptions(args)
    return fetch(options.request) { response in
      let headers = ValueMap(response.headers.map { ($0.name, .string($0.value)) })
      let data: Value = [
        "status": .int(Int64(response.status)), "headers": .map(headers), "url": .string(response.address.text),
        "body": .string(response.text),
      ]
      if options.showsHead {
        let lines = ["\(response.status)"] + response.headers.map { "\($0.name): \($0.value)" }
        return .record(.init(.strings(lines), data: data))
      }
      guard !isBinary(response.body) else {
        return .failure("\(response.address.host) answered with \(response.body.count) bytes that are no text")
      }
      return .record(.init(.string(response.text), data: data))
    }
  }

  /// Whether it is a picture, an archive or the like.
  private static func isBinary(_ body: [UInt8]) -> Bool { body.prefix(1024).contains(0) }

  // MARK: Pages

  /// `scrape <url> <selector> [@<attribute>]`, or the selector first.
  private static func scrape(_ args: String) throws -> Plan {
    let words = args.split(separator: " ").map(String.init)
    guard let place = words.firstIndex(where: isAddress), words.count > 1, place == 0 || place == words.count - 1 else {
      return .answer(
        .plain(
          .strings([
            "scrape <url> <selector> [@<attribute>] # the text, or an attribute, of what a CSS selector finds on a page"
          ])))
    }
    var rest = words
    let address = try HTTPAddress(rest.remove(at: place))
    var attribute: String?
    if let last = rest.last, last.hasPrefix("@"), last.count > 1, rest.count > 1 {
      attribute = rest.removeLast().dropFirst().lowercased()
    }
    // Quotes protect a pipe or a back-tick from the expression.
    let selector = try Selector(Formatting.removeSurroundingQuotes(rest.joined(separator: " ")))
    var request = HTTPRequest("GET", address)
    request.headers = [.init("Accept", "text/html, */*;q=0.5")]
    return fetch(request) { response in
      guard response.isSuccess else { return .failure(StatusText.describe(response)) }
      guard let document = HTMLDocument(response.body) else {
        return .failure("the page of \(response.address.host) is made so that it cannot be read in reasonable time")
      }
      do { return try found(selector, attribute, document, response.address) } catch { return .failure("\(error)") }
    }
  }

  private static func found(
    _ selector: Selector, _ attribute: String?, _ document: HTMLDocument, _ address: HTTPAddress
  ) throws -> Outcome {
    var texts: [Value] = []
    var data: [Value] = []
    for number in try selector.select(in: document) {
      guard let element = document.element(number) else { continue }
      let text = document.text(of: number)
      if let attribute {
        guard var value = element[attribute] else { continue }
        // A link means what it means on its page.
        if attribute == "href" || attribute == "src", let whole = try? address.resolving(value) { value = whole.text }
        texts.append(.string(value))
      } else {
        texts.append(.string(text))
      }
      data.append([
        "tag": .string(element.tag), "text": .string(text),
        "attributes": .map(ValueMap(element.attributes.map { ($0.name, .string($0.value)) })),
      ])
    }
    guard !texts.isEmpty else { return .failure("nothing on the page fits the selector") }
    return .record(.init(.list(texts), data: .list(data)))
  }
}
