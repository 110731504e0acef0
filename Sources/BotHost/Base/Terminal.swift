import Glibc

/// What is at the other end of a descriptor.
public enum Terminal {
  /// Whether it is one.
  public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Whether to write colours: it is a terminal, NO_COLOR is unset or empty (no-color.org), and TERM is not `dumb`.
  public static func wantsColour(_ descriptor: Int32) -> Bool {
    guard isTerminal(descriptor) else { return false }
    if let noColour = environment("NO_COLOR"), !noColour.isEmpty { return false }
    return environment("TERM") != "dumb"
  }

  /// Columns of the terminal; nil when it is none.
  public static func width(_ descriptor: Int32) -> Int? {
    var size = winsize()
    guard isTerminal(descriptor), ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
