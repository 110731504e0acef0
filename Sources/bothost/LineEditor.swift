import CEdit
import Glibc

/// Lines from a terminal: with an editor, a history that is kept in a file, and completion.
///
/// Used by one thread at a time. While it reads, Ctrl-C and Ctrl-Z are keys and no signals, so that none is lost between two keys.
final class LineEditor {
  /// What came of asking for a line.
  enum Line {
    case text(String)
    /// Ctrl-C: the line was given up.
    case interrupted
    /// Ctrl-D, or the terminal is gone.
    case end
  }

  /// Where the word begins that is being completed, in Unicode scalars, and what it may become.
  struct Completion {
    var start: Int
    var words: [String]
  }

  private let edit: OpaquePointer
  private let lines: OpaquePointer?
  private let historyPath: String?
  private let prompt: UnsafeMutablePointer<CChar>?
  private let complete: (_ text: String, _ cursor: Int) -> Completion?
  private var isInterrupted = false

  private static let rememberedLines: Int32 = 1000

  /// Nil where there is no terminal that can be edited on.
  /// - Parameter historyPath: the file in which the lines are kept; nil: they are forgotten.
  init?(prompt: String, historyPath: String?, complete: @escaping (_ text: String, _ cursor: Int) -> Completion?) {
    guard isatty(0) != 0, isatty(1) != 0 else { return nil }
    // The editor counts characters by the locale's encoding, and ours is always UTF-8.
    setlocale(LC_CTYPE, "")
    if String(cString: nl_langinfo(Int32(CODESET))) != "UTF-8" { setlocale(LC_CTYPE, "C.UTF-8") }
    guard let edit = edit_begin("bothost") else { return nil }
    self.edit = edit
    self.historyPath = historyPath
    self.complete = complete
    self.prompt = strdup(prompt)
    lines = history_init()
    edit_set_owner(edit, Unmanaged.passUnretained(self).toOpaque())
    edit_set_prompt(edit) { edit in LineEditor.of(edit)?.prompt }
    edit_use_emacs_keys(edit)
    edit_add_function(edit, "complete-word", "completes a word") { edit, _ in
      LineEditor.of(edit)?.completeWord() ?? UInt8(CC_ERROR)
    }
    edit_bind(edit, "\t", "complete-word")
    edit_take_signal_keys(edit)
    edit_add_function(edit, "give-up", "gives the line up") { edit, _ in
      LineEditor.of(edit)?.isInterrupted = true
      return UInt8(CC_EOF)
    }
    edit_bind(edit, "^C", "give-up")
    edit_add_function(edit, "suspend", "stops the program until the shell lets it go on") { edit, _ in
      guard let edit else { return UInt8(CC_ERROR) }
      edit_prepare_terminal(edit, 0)
      kill(0, SIGTSTP)
      edit_prepare_terminal(edit, 1)
      return UInt8(CC_REDISPLAY)
    }
    edit_bind(edit, "^Z", "suspend")
    edit_bind(edit, "^R", "em-inc-search-prev")
    if let lines {
      edit_limit_history(lines, Self.rememberedLines)
      if let historyPath { _ = edit_load_history(lines, historyPath) }
      edit_use_history(edit, lines)
    }
  }

  deinit {
    el_end(edit)
    if let lines { history_end(lines) }
    free(prompt)
  }

  private static func of(_ edit: OpaquePointer?) -> LineEditor? {
    guard let edit, let owner = edit_owner(edit) else { return nil }
    return Unmanaged<LineEditor>.fromOpaque(owner).takeUnretainedValue()
  }

  func read() -> Line {
    isInterrupted = false
    // The editor would show the prompt first: what is typed at once would be taken by the terminal, and a Ctrl-C end the program.
    edit_prepare_terminal(edit, 1)
    var count: Int32 = 0
    guard let text = el_gets(edit, &count), count > 0 else {
      guard isInterrupted else { return .end }
      el_reset(edit)
      return .interrupted
    }
    var line = String(cString: text)
    if line.last?.isNewline == true { line.removeLast() }
    if !line.allSatisfy(\.isWhitespace), let lines {
      _ = edit_remember(lines, line)
      if let historyPath { _ = edit_save_history(lines, historyPath) }
    }
    return .text(line)
  }

  // MARK: Completion

  private func completeWord() -> UInt8 {
    guard let info = el_line(edit)?.pointee, let start = info.buffer, let end = info.lastchar, let place = info.cursor
    else { return UInt8(CC_ERROR) }
    func text(_ end: UnsafePointer<CChar>) -> String {
      String(decoding: UnsafeRawBufferPointer(start: start, count: end - start), as: UTF8.self)
    }
    let before = text(place).unicodeScalars
    guard let found = complete(text(end), before.count), let first = found.words.first,
      found.start >= 0, found.start <= before.count
    else { return UInt8(CC_ERROR) }
    let typed = String(String.UnicodeScalarView(before.dropFirst(found.start)))
    let shared = found.words.dropFirst().reduce(first) { $0.commonPrefix(with: $1) }
    if found.words.count == 1 || shared.unicodeScalars.count > typed.unicodeScalars.count {
      el_deletestr(edit, Int32(typed.unicodeScalars.count))
      el_insertstr(edit, found.words.count == 1 ? first : shared)
      return UInt8(CC_REFRESH)
    }
    Output.write("\n" + Self.columns(found.words, width: Self.terminalWidth), to: 1)
    return UInt8(CC_REDISPLAY)
  }

  private static var terminalWidth: Int {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// The words in columns, as `ls` shows names.
  static func columns(_ words: [String], width: Int) -> String {
    let column = (words.map(\.count).max() ?? 0) + 2
    let count = max(1, width / column)
    let rows = (words.count + count - 1) / count
    var text = ""
    for row in 0..<rows {
      let line = stride(from: row, to: words.count, by: rows).map { index in
        words[index] + String(repeating: " ", count: column - words[index].count)
      }
      text += line.joined() + "\n"
    }
    return text
  }
}

extension String {
  fileprivate func commonPrefix(with other: String) -> String {
    String(String.UnicodeScalarView(zip(unicodeScalars, other.unicodeScalars).prefix { $0 == $1 }.map(\.0)))
  }
}
