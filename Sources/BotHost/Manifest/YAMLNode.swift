/// A node of a YAML document, with the place where it stands.
///
/// Immutable; an alias is the same object as its anchor's node.
public final class YAMLNode: Sendable {
  /// What stands there.
  public enum Content: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    case mapping([YAMLMember])
  }

  public let content: Content
  public let location: SourceLocation
  /// How many nodes the tree below has with all aliases written out, this one included.
  let weight: Int

  init(_ content: Content, location: SourceLocation) {
    self.content = content
    self.location = location
    switch content {
    case .scalar: weight = 1
    case .sequence(let items): weight = items.reduce(1) { $0 + $1.weight }
    case .mapping(let members): weight = members.reduce(1) { $0 + 1 + $1.value.weight }
    }
  }

  /// A scalar that no file holds: a value given on the command line or made by the host.
  public static func string(_ text: String, at location: SourceLocation) -> YAMLNode {
    YAMLNode(.scalar(YAMLScalar(text: text, isPlain: false)), location: location)
  }

  /// The single value; nil: it is a list or a mapping.
  public var scalar: YAMLScalar? {
    if case .scalar(let scalar) = content { return scalar }
    return nil
  }
  /// The elements; nil: it is no list.
  public var sequence: [YAMLNode]? {
    if case .sequence(let items) = content { return items }
    return nil
  }
  /// The members, in the order of the file; nil: it is no mapping.
  public var mapping: [YAMLMember]? {
    if case .mapping(let members) = content { return members }
    return nil
  }
  /// It is `null`, or nothing stands there.
  public var isNull: Bool { scalar?.value == .null }

  /// The value of a mapping's key.
  public subscript(key: String) -> YAMLNode? { member(key)?.value }

  /// The member of that name, of a mapping.
  public func member(_ key: String) -> YAMLMember? { mapping?.first { $0.key == key } }

  /// Whether the same is written there, wherever it stands and in whatever order a mapping's keys come.
  func says(_ other: YAMLNode) -> Bool {
    switch (content, other.content) {
    case (.scalar(let one), .scalar(let two)): return one.value == two.value
    case (.sequence(let one), .sequence(let two)):
      return one.count == two.count && zip(one, two).allSatisfy { $0.says($1) }
    case (.mapping(let one), .mapping(let two)):
      return one.count == two.count
        && one.allSatisfy { member in two.first { $0.key == member.key }.map { member.value.says($0.value) } ?? false }
    default: return false
    }
  }

  /// `a mapping`, `the string "x"`, …: what stands here, for messages.
  public var summary: String {
    switch content {
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .scalar(let scalar): scalar.summary
    }
  }
}

/// One key of a mapping with its value.
public struct YAMLMember: Sendable {
  public let key: String
  public let keyLocation: SourceLocation
  public let value: YAMLNode
}
