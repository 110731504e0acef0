import HTTPClient

/// What is said of an answer that is no success.
enum StatusText {
  /// - Parameter complaint: what the answer itself says is wrong.
  static func describe(_ response: HTTPResponse, _ complaint: String? = nil) -> String {
    var text = "\(response.address.host) answered \(response.status)"
    if let meaning = meanings[response.status] { text += " (\(meaning))" }
    if let complaint, !complaint.isEmpty { text += ": \(complaint)" }
    if let seconds = response.retryAfter { text += "; it may be asked again in \(seconds) s" }
    return text
  }

  private static let meanings = [
    301: "moved", 302: "moved", 400: "it does not understand the request", 401: "it wants another secret",
    403: "it does not permit this", 404: "there is nothing", 429: "it has been asked too often", 500: "it has a fault",
    502: "it has a fault", 503: "it is not available",
  ]
}
