import Foundation

/// What goes wrong with the next requests that fit.
struct Fault {
  /// Empty: any.
  var method = ""
  /// A part of the path.
  var path = ""
  var times = 1
  /// How many that fit go well before.
  var after = 0
  /// Whether the request is carried out all the same.
  var isCarriedOut = false
  /// nil: there is no answer.
  var status: Int?
  var body: [String: Any] = [:]
  var headers: [String: String] = [:]
  /// The connection is held open without an answer, and it is told.
  var holds = false
  /// Milliseconds before the answer.
  var delay = 0

  init(_ order: [String: Any]) {
    method = order["method"] as? String ?? ""
    path = order["path"] as? String ?? ""
    times = order["times"] as? Int ?? 1
    after = order["after"] as? Int ?? 0
    isCarriedOut = order["execute"] as? Bool ?? false
    status = order["status"] as? Int
    body = order["body"] as? [String: Any] ?? [:]
    headers = order["headers"] as? [String: String] ?? [:]
    holds = order["hold"] as? Bool ?? false
    delay = order["delay"] as? Int ?? 0
  }

  /// `write` is every method but GET.
  func fits(_ method: String, _ path: String) -> Bool {
    let isMethod = self.method.isEmpty || self.method == method || (self.method == "write" && method != "GET")
    return isMethod && (self.path.isEmpty || path.contains(self.path))
  }
}
