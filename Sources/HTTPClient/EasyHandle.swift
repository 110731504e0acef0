import CCurl

/// One of libcurl's handles, with the lists that it refers to. Belongs to the loop's thread.
///
/// An option that this libcurl does not know must not be passed over: the first one that fails is kept, and the handle is not used.
final class EasyHandle {
  let pointer: UnsafeMutableRawPointer
  private var lists: [UnsafeMutablePointer<curl_slist>] = []
  private var problem: CURLcode?
  private let message: UnsafeMutablePointer<CChar>

  init() throws(HTTPFailure) {
    guard let pointer = curl_easy_init() else { throw HTTPFailure(.busy, "there is no memory for another request") }
    self.pointer = pointer
    message = .allocate(capacity: Int(CURL_ERROR_SIZE))
    message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
  }

  deinit {
    curl_easy_cleanup(pointer)
    freeLists()
    message.deallocate()
  }

  private func freeLists() {
    for list in lists { curl_slist_free_all(list) }
    lists = []
  }

  /// Back to the beginning, with what every transfer has in common.
  func reset() {
    curl_easy_reset(pointer)
    freeLists()
    problem = nil
    message[0] = 0
    set(CURLOPT_ERRORBUFFER, pointer: message)
    set(CURLOPT_NOSIGNAL, 1)
    // A look-up that hangs must not keep the loop: its thread is left to end by itself.
    set(CURLOPT_QUICK_EXIT, 1)
    // The environment's proxies are not used: it is the server's own address that is checked.
    set(CURLOPT_PROXY, "")
    set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
  }

  func set(_ option: CURLoption, _ value: Int) { note(ccurl_set_long(pointer, option, value)) }
  func set(_ option: CURLoption, _ value: String) { note(ccurl_set_text(pointer, option, value)) }
  func set(_ option: CURLoption, offset: Int) { note(ccurl_set_offset(pointer, option, curl_off_t(offset))) }
  func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) {
    note(ccurl_set_pointer(pointer, option, value))
  }

  func set(_ option: CURLoption, list texts: [String]) {
    var list: UnsafeMutablePointer<curl_slist>?
    for text in texts {
      guard let longer = curl_slist_append(list, text) else {
        problem = problem ?? CURLE_OUT_OF_MEMORY
        break
      }
      list = longer
    }
    guard let list else { return }
    lists.append(list)
    note(ccurl_set_list(pointer, option, list))
  }

  func set(write option: CURLoption, _ function: @escaping curl_write_callback) {
    note(ccurl_set_write(pointer, option, function))
  }
  func set(read function: @escaping curl_read_callback) { note(ccurl_set_read(pointer, function)) }
  func set(openSocket function: @escaping curl_opensocket_callback) { note(ccurl_set_open_socket(pointer, function)) }
  func set(beforeRequest function: @escaping curl_prereq_callback) { note(ccurl_set_before_request(pointer, function)) }

  func get(_ info: CURLINFO) -> Int {
    var value = 0
    return ccurl_get_long(pointer, info, &value) == CURLE_OK ? value : 0
  }

  /// What libcurl says of the failure, where it says anything.
  var text: String { String(cString: message) }

  private func note(_ code: CURLcode) {
    if code != CURLE_OK, problem == nil { problem = code }
  }

  func check() throws(HTTPFailure) {
    guard let problem else { return }
    throw HTTPFailure(.invalid, "libcurl cannot do this: \(String(cString: curl_easy_strerror(problem)))")
  }
}
