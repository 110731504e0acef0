/// Reads the members of a mapping that has been checked against its shape: what was found wrong there reads as missing.
struct ManifestReader {
  let node: YAMLNode
  let shape: ObjectShape

  init(_ node: YAMLNode, _ shape: ObjectShape) {
    self.node = node
    self.shape = shape
  }

  /// The member of that name, which must be one of the shape's.
  func member(_ name: String) -> YAMLMember? {
    assert(shape.key(name) != nil, "the decoder reads '\(name)', which the shape \(shape.name) does not have")
    return node.member(name)
  }

  func node(_ name: String) -> YAMLNode? { member(name)?.value }

  func text(_ name: String) -> String? {
    guard let scalar = node(name)?.scalar else { return nil }
    switch scalar.value {
    case .string, .int, .float: return scalar.text
    case .null, .bool: return nil
    }
  }

  func bool(_ name: String) -> Bool? {
    if case .bool(let flag) = node(name)?.scalar?.value { return flag }
    return nil
  }

  func int(_ name: String) -> Int? {
    if case .int(let number) = node(name)?.scalar?.value { return Int(number) }
    return nil
  }

  func number(_ name: String) -> Double? {
    switch node(name)?.scalar?.value {
    case .int(let number): Double(number)
    case .float(let number): number
    default: nil
    }
  }

  func span(_ name: String) -> TimeSpan? { text(name).flatMap { TimeSpan($0) } }
  func range(_ name: String) -> TimeRange? { text(name).flatMap { TimeRange($0) } }
  func size(_ name: String) -> ByteSize? { text(name).flatMap { ByteSize($0) } }

  func choice<Choice: RawRepresentable<String>>(_ name: String, _: Choice.Type = Choice.self) -> Choice? {
    text(name).flatMap(Choice.init(rawValue:))
  }

  func signature(_ name: String) -> Signature? { text(name).flatMap { try? Signature(parsing: $0) } }

  /// The texts of a list.
  func texts(_ name: String) -> [(text: String, location: SourceLocation)] {
    node(name)?.sequence?.compactMap { item in item.scalar.map { ($0.text, item.location) } } ?? []
  }

  func objects(_ name: String) -> [YAMLNode] { node(name)?.sequence?.filter { $0.mapping != nil } ?? [] }

  func members(_ name: String) -> [YAMLMember] { node(name)?.mapping ?? [] }

  func fields(_ name: String) -> [Field]? {
    guard let node = node(name) else { return nil }
    var decoder = FieldTypeDecoder()
    return decoder.fields(node, "")
  }

  func fieldType(_ name: String) -> FieldType? {
    guard let node = node(name) else { return nil }
    var decoder = FieldTypeDecoder()
    return decoder.decode(node, "")?.type
  }
}
