/// A place in a text that a person wrote.
public struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
  /// The file's name as the user gave it.
  public var file: String
  /// From 1.
  public var line: Int
  /// From 1, in Unicode scalars.
  public var column: Int
  /// How many scalars of the line are meant; at least 1.
  public var length: Int

  public init(file: String, line: Int = 1, column: Int = 1, length: Int = 1) {
    self.file = file
    self.line = line
    self.column = column
    self.length = max(1, length)
  }

  /// In one line, whatever the file is called: a name can neither begin another line nor steer a terminal.
  public var description: String { "\(Self.visible(file)):\(line):\(column)" }

  private static func visible(_ name: String) -> String {
    func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }
    guard name.unicodeScalars.contains(where: isControl) else { return name }
    return name.unicodeScalars.map { isControl($0) ? $0.escaped(asASCII: true) : String($0) }.joined()
  }
}
