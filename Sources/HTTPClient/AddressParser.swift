import CCurl

/// libcurl's parser of addresses, for one address.
struct AddressParser: ~Copyable {
  private let handle: OpaquePointer

  init() throws(HTTPFailure) {
    guard let handle = curl_url() else { throw HTTPFailure(.invalid, "there is no memory for an address") }
    self.handle = handle
  }

  deinit { curl_url_cleanup(handle) }

  /// Reads an address, or a reference on the one that was read before.
  func read(_ text: String) throws(HTTPFailure) {
    guard !text.utf8.contains(0) else { throw HTTPFailure(.invalid, "an address with a NUL byte") }
    let flags = UInt32(CURLU_URLENCODE | CURLU_DISALLOW_USER)
    let code = curl_url_set(handle, CURLUPART_URL, text, flags)
    guard code == CURLUE_OK else { throw HTTPFailure(.invalid, Self.complaint(code, text)) }
  }

  func append(query: String) throws(HTTPFailure) {
    let code = curl_url_set(handle, CURLUPART_QUERY, query, UInt32(CURLU_APPENDQUERY | CURLU_URLENCODE))
    guard code == CURLUE_OK else { throw HTTPFailure(.invalid, "a query that cannot be sent") }
  }

  func address() throws(HTTPFailure) -> HTTPAddress {
    _ = curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0)
    let (scheme, host, port, path) = try parts()
    guard scheme == "http" || scheme == "https" else {
      throw HTTPFailure(
        .invalid, "an address of \(scheme.isEmpty ? "no scheme" : scheme); only http and https are asked")
    }
    guard let text = part(CURLUPART_URL), text.utf8.count <= HTTPAddress.longest else {
      throw HTTPFailure(.invalid, "an address of more than \(HTTPAddress.longest) bytes")
    }
    return HTTPAddress(text: text, scheme: scheme, host: host, port: port, path: path)
  }

  /// Scheme, host, port and path of any address that libcurl knows how to speak to.
  static func parts(of text: String) throws(HTTPFailure) -> (scheme: String, host: String, port: UInt16, path: String) {
    let parser = try AddressParser()
    try parser.read(text)
    return try parser.parts()
  }

  private func parts() throws(HTTPFailure) -> (scheme: String, host: String, port: UInt16, path: String) {
    // A name in other letters than ASCII's is connected to by its ASCII form.
    var host = part(CURLUPART_HOST, UInt32(CURLU_PUNYCODE)) ?? part(CURLUPART_HOST) ?? ""
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard !host.isEmpty else { throw HTTPFailure(.invalid, "an address without a host") }
    guard let port = part(CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap({ UInt16($0) }), port > 0 else {
      throw HTTPFailure(.invalid, "an address without a port that exists")
    }
    return (part(CURLUPART_SCHEME) ?? "", host.lowercased(), port, part(CURLUPART_PATH) ?? "/")
  }

  private func part(_ part: CURLUPart, _ flags: UInt32 = 0) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
    defer { curl_free(text) }
    return String(cString: text)
  }

  private static func complaint(_ code: CURLUcode, _ text: String) -> String {
    switch code {
    case CURLUE_UNSUPPORTED_SCHEME: "only http and https are asked"
    case CURLUE_USER_NOT_ALLOWED: "an address with a user or a password in it; they would be seen by everybody"
    case CURLUE_BAD_PORT_NUMBER: "an address with a port that does not exist"
    default:
      text.contains("://")
        ? "that is no address: \(String(cString: curl_url_strerror(code)))"
        : "an address begins with http:// or https://"
    }
  }
}
