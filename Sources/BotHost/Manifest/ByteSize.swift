/// A number of bytes: `64KiB`, `10MiB`, `1GB` in YAML.
public struct ByteSize: Sendable, Hashable, Comparable, CustomStringConvertible {
  public var bytes: Int64

  public init(bytes: Int64) { self.bytes = max(0, bytes) }

  /// So many times 1,048,576 bytes.
  public static func mebibytes(_ count: Int64) -> ByteSize { ByteSize(bytes: count << 20) }

  private static let units: [(name: String, bytes: Int64)] = [
    ("B", 1), ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
  ]

  /// A whole or decimal number and a unit; without a unit, bytes. At most 1 PiB.
  public init?(_ text: String) {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unitName = text.dropFirst(digits.count)
    guard let first = digits.first, first != ".", digits.last != ".", let number = Double(digits) else { return nil }
    guard let unit = unitName.isEmpty ? Self.units[0] : Self.units.first(where: { $0.name == unitName }) else {
      return nil
    }
    let total = number * Double(unit.bytes)
    guard total <= Double(1 << 50), total == total.rounded() else { return nil }
    bytes = Int64(total)
  }

  public static func < (a: ByteSize, b: ByteSize) -> Bool { a.bytes < b.bytes }

  public var description: String {
    for unit in Self.units.reversed() where unit.name.hasSuffix("iB") && bytes > 0 && bytes % unit.bytes == 0 {
      return "\(bytes / unit.bytes)\(unit.name)"
    }
    return "\(bytes)B"
  }
}
