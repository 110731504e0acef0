import BotHost
import Glibc

/// `bothost new`: a folder with a plugin that works.
enum NewCommand: Command {
  static let name = "new"
  static let summary = "make a folder with a new plugin that builds, passes `check` and can be swapped"
  static let usage = "--lang c|swift [PATH/]NAME"
  static let options = [
    ArgumentParser.Option(
      "lang", short: "l", value: "LANG", Scaffold.languages.map { "\($0.name): \($0.summary)" }.joined(separator: "; "))
  ]
  static let words = CompletionKind.directories

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    let known = Scaffold.languages.map(\.name)
    guard let wanted = arguments.value("lang") else {
      throw UsageError("new needs a language: --lang \(known.joined(separator: "|"))")
    }
    guard let language = Scaffold.languages.first(where: { $0.name == wanted.lowercased() }) else {
      let hint = Suggestion.hint(for: wanted.lowercased(), in: known).map { "; \($0)" } ?? ""
      throw UsageError("--lang: '\(wanted)' is not known\(hint)")
    }
    guard arguments.words.count == 1, var path = arguments.words.first else {
      throw UsageError("new needs one name: bothost new --lang \(language.name) NAME")
    }
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if let problem = NameRules.pluginProblem(name) { throw UsageError("'\(name)' is no name for a plugin: \(problem)") }

    let scaffold = Scaffold(name: name, include: includeDirectory)
    let files = language.files(scaffold)
    try makeDirectory(path)
    for file in files { try write(file, in: path) }
    Output.line("\(path): a plugin in \(language.name): \(files.map(\.name).joined(separator: ", "))")
    Output.line("next: cd \(path) && make && bothost check .")
    if scaffold.include == nil {
      Output.note(
        "bothost.h was not found on this machine: set BOTHOST_INCLUDE to the folder that holds it when you build")
    }
  }

  /// A new directory, or an empty one.
  private static func makeDirectory(_ path: String) throws {
    if mkdir(path, 0o777) == 0 { return }
    let cause = errno
    guard cause == EEXIST, let directory = opendir(path) else {
      throw CommandFailure("\(path): cannot be made: \(String(cString: strerror(cause)))")
    }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard name == "." || name == ".." else {
        throw CommandFailure("\(path): is there already and is not empty; choose another name", code: 2)
      }
    }
  }

  private static func write(_ file: Scaffold.File, in directory: String) throws {
    let path = "\(directory)/\(file.name)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw CommandFailure("\(path): cannot be written: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    let bytes = Array(file.text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
      throw CommandFailure("\(path): cannot be written: \(String(cString: strerror(errno)))")
    }
  }

  /// The folder with the header: what the environment says, what lies beside this program, or where packages put it.
  private static var includeDirectory: String? {
    let environment = Control.environment
    var candidates: [String] = []
    if let said = environment["BOTHOST_INCLUDE"] { candidates.append(Control.absolute(said)) }
    let invoked = CommandLine.arguments.first ?? ""
    var programs: [String] = []
    if invoked.contains("/") {
      programs.append(Control.absolute(invoked))
    } else {
      programs += (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(invoked)" }.filter {
        access($0, X_OK) == 0
      }.prefix(1)
    }
    for program in programs {
      guard let bin = program.lastIndex(of: "/") else { continue }
      let directory = program[..<bin]
      guard let parent = directory.lastIndex(of: "/") else { continue }
      candidates += ["\(directory[..<parent])/include", "\(directory[..<parent])/include/bothost"]
    }
    candidates += ["/usr/local/include/bothost", "/usr/include/bothost"]
    return candidates.first { access("\($0)/bothost.h", R_OK) == 0 }
  }
}
