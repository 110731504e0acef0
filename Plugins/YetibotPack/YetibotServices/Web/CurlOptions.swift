import HTTPClient
import YetibotEngine

/// The few of curl's options that make sense in a chat: `-I`, `-X`, `-H`, `-d`, and `-L` and `-s`, which are so anyway.
struct CurlOptions {
  struct Failure: Error, CustomStringConvertible { let description: String }

  static let usage = [
    "curl <url> # what is there",
    "curl -I <url> # the status and the headers of what is there",
    "curl [-X <method>] [-H <header>] [-d <body>] <url> # asks in another way",
  ]

  private(set) var request: HTTPRequest
  private(set) var showsHead = false

  init(_ text: String) throws {
    var method: String?
    var headers: [HTTPRequest.Header] = []
    var body: String?
    var address: HTTPAddress?
    var words = Self.words(text)[...]
    func value(of option: String) throws -> String {
      guard let value = words.popFirst() else { throw Failure(description: "\(option) needs a value") }
      return value
    }
    while let word = words.popFirst() {
      switch word {
      case "-I", "--head": showsHead = true
      case "-L", "--location", "-s", "--silent": break
      case "-X", "--request": method = try value(of: word).uppercased()
      case "-H", "--header":
        let parts = try value(of: word).split(separator: ":", maxSplits: 1).map { String($0).trimmed }
        guard parts.count == 2 else { throw Failure(description: "a header is written \"Name: value\"") }
        headers.append(.init(parts[0], parts[1]))
      case "-d", "--data", "--data-raw": body = [body, try value(of: word)].compactMap(\.self).joined(separator: "&")
      default:
        guard !word.hasPrefix("-") else {
          throw Failure(description: "\(word) is not known here; -I, -X, -H, -d, -L and -s are")
        }
        guard address == nil else { throw Failure(description: "one address at a time; xargs curl takes more") }
        address = try HTTPAddress(word)
      }
    }
    guard let address else { throw Failure(description: "which address? curl <url>") }
    guard headers.count <= 20 else { throw Failure(description: "more than 20 headers") }
    let wanted = method ?? (showsHead ? "HEAD" : body == nil ? "GET" : "POST")
    guard ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(wanted) else {
      throw Failure(description: "\(wanted) is no method that is sent from here")
    }
    request = HTTPRequest(wanted, address, headers: headers, body: body.map { Array($0.utf8) })
    if body != nil, !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
      let isJSON = body?.first == "{" || body?.first == "["
      request.headers.append(
        .init("Content-Type", isJSON ? "application/json" : "application/x-www-form-urlencoded"))
    }
  }

  /// Words between spaces; quotes keep one together, and go.
  static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word = ""
    var isOpen = false
    var quote: Character?
    for character in text {
      if let open = quote {
        if character == open { quote = nil } else { word.append(character) }
      } else if (character == "\"" || character == "'") && word.isEmpty {
        quote = character
        isOpen = true
      } else if character.isWhitespace {
        if isOpen || !word.isEmpty { words.append(word) }
        word = ""
        isOpen = false
      } else {
        word.append(character)
      }
    }
    if isOpen || !word.isEmpty { words.append(word) }
    return words
  }
}
