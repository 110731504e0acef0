import FoundationEssentials
import HTTPClient
import UpdaterGitHub
import UpdaterRules

/// Asks a package index what versions a project has. Which index is asked says the operator alone: what a repository's files name is never asked.
public final class PackageIndex {
  private let address: HTTPAddress
  /// `Basic …`, from the address; nil: none.
  private let authorization: String?
  private let reach: Reach
  private let surroundings: Surroundings

  private static let largest = 64 << 20
  private static let repetitions = 3
  private static let accept =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

  /// - Parameters:
  ///   - address: of the Simple API, with a slash at its end; a user and password in it are sent and never shown.
  ///   - hosts: where else it may lead, besides its own.
  public init(_ address: String, hosts: Reach? = nil, surroundings: Surroundings) throws {
    let (bare, user) = Self.withoutUser(address)
    self.address = try HTTPAddress(bare)
    authorization = user.map { "Basic \(Data($0.utf8).base64EncodedString())" }
    let own = self.address.pattern
    reach = Reach(hosts: [own] + (hosts?.hosts ?? []), privateHosts: [own] + (hosts?.privateHosts ?? []))
    self.surroundings = surroundings
  }

  /// A project by its normalized name; nil: the index does not know it. It is not kept: a large one has some hundred megabytes.
  func project(_ name: String) throws -> IndexProject? {
    let request = try self.request(address.resolving("\(name)/"), accept: Self.accept)
    let response = try self.response(to: request)
    switch response.status {
    case 200..<300: break
    case 404, 410, 451: return nil
    default:
      throw GitHubFailure(
        response.status >= 500 || response.status == 429 ? .uncertain : .unexpected,
        "the package index answers \(response.status) for \(name)")
    }
    do {
      return try IndexProject(
        simpleAPI: response.body, contentType: response.header("content-type") ?? "", name: name)
    } catch { throw GitHubFailure(.unexpected, "the package index's answer for \(name) cannot be used: \(error)") }
  }

  /// Where a project tells what has changed; empty where the index does not say, or cannot be asked.
  func releaseNotes(of name: String) throws -> [ProjectDescription.Link] {
    guard address.path.hasSuffix("/simple/") else { return [] }
    do {
      let request = try self.request(address.resolving("../pypi/\(name)/json"), accept: "application/json")
      let response = try self.response(to: request)
      guard response.isSuccess else { return [] }
      return try ProjectDescription(json: response.body).releaseNotes
    } catch let failure as GitHubFailure where failure.kind == .interrupted { throw failure } catch { return [] }
  }

  private func request(_ address: HTTPAddress, accept: String) -> HTTPRequest {
    var request = HTTPRequest("GET", address, headers: [HTTPRequest.Header("Accept", accept)])
    if let authorization { request.headers.append(HTTPRequest.Header("Authorization", authorization, isSecret: true)) }
    request.timeout = .seconds(30)
    request.maximumBody = Self.largest
    request.redirectLimit = 3
    request.reach = reach
    return request
  }

  private func response(to request: HTTPRequest) throws -> HTTPResponse {
    var attempt = 0
    while true {
      do {
        let response = try surroundings.send(request)
        guard response.status >= 500 || response.status == 429, attempt < Self.repetitions else { return response }
      } catch let failure as HTTPFailure {
        if failure.reason == .cancelled { throw GitHubFailure(.interrupted, "the work ends") }
        let passes = [.cannotConnect, .timedOut, .broken, .busy, .unknownHost].contains(failure.reason)
        guard passes, attempt < Self.repetitions else {
          throw GitHubFailure(
            passes ? .uncertain : .unexpected, "the package index cannot be asked: \(failure.message)")
        }
      }
      attempt += 1
      try surroundings.wait(.milliseconds(Int64(1000 << (attempt - 1)) + Int64(surroundings.random() % 500)))
    }
  }

  /// An address without the user and password in it, and these.
  static func withoutUser(_ address: String) -> (bare: String, user: String?) {
    guard let scheme = address.firstRange(of: "://") else { return (address, nil) }
    let rest = address[scheme.upperBound...]
    let authority = rest.prefix { !"/?#".contains($0) }
    guard let at = authority.lastIndex(of: "@") else { return (address, nil) }
    let user = String(authority[..<at])
    let bare = String(address[..<scheme.upperBound]) + String(rest[rest.index(after: at)...])
    return (bare, user.removingPercentEscapes)
  }
}

extension String {
  /// With `%41` as `A`; as it is where that makes no text.
  fileprivate var removingPercentEscapes: String {
    var bytes: [UInt8] = []
    var rest = Array(utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self) ?? self
  }
}
