/// Sections for other plugins: plain data, within bounds, so that whoever reads them need not fear them.
extension ManifestCheck {
  mutating func checkExtensions() {
    guard let sections = document["extensions"] else { return }
    if let count = sections.mapping?.count, count > ManifestExtension.maximumCount {
      diagnostics.error(
        "'extensions': there are \(count) sections, and at most \(ManifestExtension.maximumCount)",
        at: sections.location,
        hint: "one section a plugin that reads it")
    }
    for member in sections.mapping ?? [] {
      let what = "'extensions.\(member.key)'"
      if let deep = tooDeep(member.value, ManifestExtension.maximumDepth) {
        diagnostics.error(
          "\(what): more than \(ManifestExtension.maximumDepth) lists and mappings stand within each other",
          at: deep.location,
          hint: "say it with fewer levels")
        continue
      }
      if let odd = notPlain(member.value) {
        diagnostics.error(
          "\(what): \(odd.summary) is no value that JSON has", at: odd.location,
          hint: "put it in quotes, or leave it out")
      }
      let size = member.value.json.serializedBytes().count
      if size > ManifestExtension.maximumSize {
        diagnostics.error(
          "\(what): as JSON it has \(size) bytes, and at most \(ManifestExtension.maximumSize)", at: member.keyLocation,
          hint: "what is so large belongs in a file of its own")
      }
    }
  }

  /// The first node that stands deeper.
  private func tooDeep(_ node: YAMLNode, _ levels: Int) -> YAMLNode? {
    guard let children = node.children else { return nil }
    if levels == 0 { return node }
    for child in children {
      if let found = tooDeep(child, levels - 1) { return found }
    }
    return nil
  }

  /// The first number that is none in JSON.
  private func notPlain(_ node: YAMLNode) -> YAMLNode? {
    if case .float(let number) = node.scalar?.value { return number.isFinite ? nil : node }
    for child in node.children ?? [] {
      if let found = notPlain(child) { return found }
    }
    return nil
  }
}

extension YAMLNode {
  /// Nil for a scalar.
  fileprivate var children: [YAMLNode]? { sequence ?? mapping?.map(\.value) }
}
