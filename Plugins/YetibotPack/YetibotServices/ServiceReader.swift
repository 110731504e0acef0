import YetibotEngine

/// Reads a service from data, be it built in or from the configuration.
struct ServiceReader {
  /// What is wrong, and where: `services.joke.forms[0].item: …`.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let name: String
  private let path: String

  init(name: String) {
    self.name = name
    path = "services.\(name)"
  }

  private static let stepKeys = [
    "as", "method", "url", "headers", "form", "body", "format", "pick", "find", "choose", "limit", "extract", "item",
    "none",
    "failed",
  ]
  private static let formKeys = ["usage", "match", "steps"] + stepKeys
  private static let serviceKeys = ["category", "address", "secret", "forms"] + formKeys

  /// Longer names would be commands that nobody types, and other characters ones that nobody can.
  static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 32
      && name.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x2D
          || $0 == 0x5F
      }
  }

  func service(_ value: Value) throws -> Service {
    guard Self.isName(name) else {
      throw Failure(description: "\(path): a name has letters, digits, - and _, at most 32")
    }
    let map = try members(value, Self.serviceKeys, path)
    var forms: [Service.Form] = []
    if let list = map["forms"] {
      let shared = Self.formKeys.filter { map[$0] != nil }
      guard shared.isEmpty else { throw fail("\(path).\(shared[0])", "stands beside forms; put it into one of them") }
      for (index, form) in try items(list, "\(path).forms").enumerated() {
        forms.append(
          try self.form(try members(form, Self.formKeys, "\(path).forms[\(index)]"), "\(path).forms[\(index)]"))
      }
    } else {
      forms = [try form(map, path)]
    }
    guard !forms.isEmpty else { throw fail("\(path).forms", "there is none") }
    return Service(
      name: name, categories: try map["category"].map { try texts($0, "\(path).category") } ?? ["info"],
      address: try text(map, "address", path), secret: try map["secret"].map(secret), forms: forms)
  }

  private func secret(_ value: Value) throws -> ServiceSecret {
    let path = "\(self.path).secret"
    let map = try members(value, ["header", "prefix", "query", "basic", "setting", "required"], path)
    let place: ServiceSecret.Place
    if let header = try text(map, "header", path) {
      place = .header(header, prefix: try text(map, "prefix", path) ?? "")
    } else if let query = try text(map, "query", path) {
      place = .query(query)
    } else if map["basic"] == .bool(true) {
      place = .basic
    } else {
      throw fail(path, "header: NAME, query: NAME or basic: true is expected")
    }
    return ServiceSecret(
      place: place, setting: try text(map, "setting", path), isRequired: map["required"] != .bool(false), service: name)
  }

  private func form(_ map: ValueMap, _ path: String) throws -> Service.Form {
    var steps: [Service.Step] = []
    if let list = map["steps"] {
      let shared = Self.stepKeys.filter { map[$0] != nil }
      guard shared.isEmpty else { throw fail("\(path).\(shared[0])", "stands beside steps; put it into one of them") }
      for (index, step) in try items(list, "\(path).steps").enumerated() {
        let place = "\(path).steps[\(index)]"
        steps.append(try self.step(try members(step, Self.stepKeys, place), place))
      }
      guard (1...4).contains(steps.count) else { throw fail("\(path).steps", "one to four are expected") }
    } else {
      steps = [try step(map, path)]
    }
    return Service.Form(
      usage: try text(map, "usage", path) ?? "\(name) # asks \(name)", match: try pattern(map, "match", path),
      steps: steps)
  }

  private func step(_ map: ValueMap, _ path: String) throws -> Service.Step {
    guard let url = try template(map, "url", path) else { throw fail("\(path).url", "is missing: the address to ask") }
    let method = try text(map, "method", path) ?? (map["form"] == nil && map["body"] == nil ? "GET" : "POST")
    guard ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(method) else {
      throw fail("\(path).method", "GET, HEAD, POST, PUT, PATCH or DELETE is expected")
    }
    var find: (field: String, text: Template)?
    if let value = map["find"] {
      let inner = try members(value, ["field", "text"], "\(path).find")
      guard let field = try text(inner, "field", "\(path).find"), let text = try template(inner, "text", "\(path).find")
      else {
        throw fail("\(path).find", "field and text are expected")
      }
      find = (field, text)
    }
    var limit = 20
    if let value = map["limit"] {
      guard let number = value.number, let count = Int(exactly: number), (1...100).contains(count) else {
        throw fail("\(path).limit", "1 to 100 is expected")
      }
      limit = count
    }
    return Service.Step(
      name: try text(map, "as", path), method: method, url: url, headers: try templates(map, "headers", path),
      form: try templates(map, "form", path), body: try template(map, "body", path),
      format: try word(map, "format", path, .json), pick: try jsonPath(map, "pick", path), find: find,
      choose: try word(map, "choose", path, .all), limit: limit, extract: try pattern(map, "extract", path),
      item: try template(map, "item", path), none: try template(map, "none", path),
      failed: try jsonPath(map, "failed", path))
  }

  // MARK: Parts

  private func fail(_ path: String, _ why: String) -> Failure { Failure(description: "\(path): \(why)") }

  private func members(_ value: Value, _ known: [String], _ path: String) throws -> ValueMap {
    guard let map = value.members else { throw fail(path, "a mapping is expected") }
    for key in map.keys where !known.contains(key) {
      throw fail("\(path).\(key)", "there is no such key; there are \(known.joined(separator: ", "))")
    }
    return map
  }

  private func items(_ value: Value, _ path: String) throws -> [Value] {
    guard let items = value.items else { throw fail(path, "a list is expected") }
    return items
  }

  private func text(_ map: ValueMap, _ key: String, _ path: String) throws -> String? {
    guard let value = map[key] else { return nil }
    guard !value.isCollection, value != .null else { throw fail("\(path).\(key)", "a text is expected") }
    return value.text
  }

  private func texts(_ value: Value, _ path: String) throws -> [String] {
    if let items = value.items { return items.map(\.text) }
    guard !value.isCollection else { throw fail(path, "a text or a list of texts is expected") }
    return [value.text]
  }

  private func template(_ map: ValueMap, _ key: String, _ path: String) throws -> Template? {
    guard let source = try text(map, key, path) else { return nil }
    do { return try Template(source) } catch { throw fail("\(path).\(key)", "\(error)") }
  }

  private func templates(_ map: ValueMap, _ key: String, _ path: String) throws -> [(name: String, value: Template)] {
    guard let value = map[key] else { return [] }
    guard let inner = value.members else { throw fail("\(path).\(key)", "a mapping is expected") }
    return try inner.keys.compactMap { name in
      try template(inner, name, "\(path).\(key)").map { (name: name, value: $0) }
    }
  }

  private func pattern(_ map: ValueMap, _ key: String, _ path: String) throws -> Pattern? {
    guard let source = try text(map, key, path) else { return nil }
    do { return try Pattern(source) } catch { throw fail("\(path).\(key)", "\(error)") }
  }

  private func jsonPath(_ map: ValueMap, _ key: String, _ path: String) throws -> JSONPath? {
    guard let source = try text(map, key, path) else { return nil }
    do { return try JSONPath(source) } catch { throw fail("\(path).\(key)", "\(error)") }
  }

  private func word<Word: RawRepresentable & CaseIterable>(
    _ map: ValueMap, _ key: String, _ path: String, _ otherwise: Word
  ) throws -> Word where Word.RawValue == String {
    guard let text = try text(map, key, path) else { return otherwise }
    guard let word = Word(rawValue: text) else {
      throw fail("\(path).\(key)", "one of \(Word.allCases.map(\.rawValue).joined(separator: ", ")) is expected")
    }
    return word
  }
}
