import BotHost
import Glibc

/// A directory under the system's place for such, removed with the value.
final class TemporaryFolder {
  let path: String

  init() throws {
    // Short: a control socket has to fit into it.
    var template = Array("/tmp/bothost-verify-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw CommandFailure("/tmp: no directory can be made: \(String(cString: strerror(errno)))")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { FileTree.remove(path) }
}
