import CYAML
import Glibc
import TwitchChat

/// Runs the public IRC parser cases (msg-split, msg-join, userhost-split, mask-match, validate-hostname) through the
/// parser of the Twitch plugin.
///
/// - Parameter path: one file, or a directory that holds any of the five.
/// - Returns: how many cases passed, failed and were skipped (a case of no known suite counts as skipped), and a line
///   for each failure and skip.
func runIRCConformance(
  casesDirectoryOrFile path: String
) -> (passed: Int, failed: Int, skipped: Int, messages: [String]) {
  var run = IRCConformanceRun()
  let suites = ["msg-split", "msg-join", "userhost-split", "mask-match", "validate-hostname"]
  var status = stat()
  guard stat(path, &status) == 0 else {
    return (0, 1, 0, ["\(path): there is no such file or directory"])
  }
  if status.st_mode & S_IFMT == S_IFDIR {
    for suite in suites {
      let file = "\(path)/\(suite).yaml"
      if access(file, R_OK) == 0 {
        run.file(file)
      } else {
        run.skip("\(file): missing")
      }
    }
  } else {
    run.file(path)
  }
  return (run.passed, run.failed, run.skipped, run.messages)
}

private struct IRCConformanceRun {
  var passed = 0
  var failed = 0
  var skipped = 0
  var messages: [String] = []

  mutating func skip(_ message: String) {
    skipped += 1
    messages.append(message)
  }

  private mutating func check(_ holds: Bool, _ message: @autoclosure () -> String) {
    if holds {
      passed += 1
    } else {
      failed += 1
      messages.append(message())
    }
  }

  mutating func file(_ path: String) {
    guard let root = YAMLValue(file: path), let tests = root["tests"]?.items else {
      failed += 1
      messages.append("\(path): no YAML with a list of tests")
      return
    }
    for (index, test) in tests.enumerated() { run(test, "\(path): case \(index + 1)") }
  }

  /// What a case is about shows in what it has.
  private mutating func run(_ test: YAMLValue, _ name: String) {
    if test["input"] != nil {
      split(test, name)
    } else if test["atoms"] != nil, test["source"] != nil {
      userhost(test, name)
    } else if test["atoms"] != nil {
      join(test, name)
    } else if test["mask"] != nil {
      mask(test, name)
    } else if let host = test["host"]?.text, let valid = test["valid"]?.text {
      check(IRCHostname.isValid(host) == (valid == "true"), "\(name): “\(host)”: expected valid to be \(valid)")
    } else {
      skip("\(name): not a case of a known suite")
    }
  }

  private mutating func split(_ test: YAMLValue, _ name: String) {
    guard let input = test["input"]?.text, let atoms = test["atoms"] else { return skip("\(name): no input") }
    guard let message = IRCMessage(parsing: input) else {
      return check(false, "\(name): “\(input)” was not parsed")
    }
    let tags = Dictionary(uniqueKeysWithValues: (atoms["tags"]?.pairs ?? []).map { ($0.key, $0.value.text ?? "") })
    let found = Dictionary(
      uniqueKeysWithValues: message.tags.map {
        (String(decoding: $0.name, as: UTF8.self), String(decoding: $0.value, as: UTF8.self))
      })
    let parameters = (atoms["params"]?.items ?? []).map { $0.text ?? "" }
    check(
      tags == found && atoms["source"]?.text == message.sourceText && atoms["verb"]?.text == message.verbText
        && parameters == message.parameterTexts,
      "\(name): “\(input)”: found tags \(found), source \(message.sourceText ?? "none"), verb \(message.verbText), "
        + "parameters \(message.parameterTexts)")
  }

  private mutating func join(_ test: YAMLValue, _ name: String) {
    guard let atoms = test["atoms"], let verb = atoms["verb"]?.text, let matches = test["matches"]?.items else {
      return skip("\(name): no atoms")
    }
    let message = IRCMessage(
      tags: (atoms["tags"]?.pairs ?? []).map {
        IRCMessage.Tag(name: Array($0.key.utf8), value: Array(($0.value.text ?? "").utf8))
      },
      source: atoms["source"]?.text.map { Array($0.utf8) }, verb: Array(verb.utf8),
      parameters: (atoms["params"]?.items ?? []).map { Array(($0.text ?? "").utf8) })
    let line = (try? message.serialized()).map { String(decoding: $0, as: UTF8.self) }
    check(
      line != nil && matches.contains { $0.text == line },
      "\(name): wrote “\(line ?? "nothing")”, expected one of \(matches.compactMap(\.text))")
  }

  private mutating func userhost(_ test: YAMLValue, _ name: String) {
    guard let source = test["source"]?.text, let atoms = test["atoms"] else { return skip("\(name): no source") }
    var line = ":\(source) X"
    let found = line.withUTF8 { bytes -> [String]? in
      guard let line = IRCLine(UnsafeRawBufferPointer(bytes)) else { return nil }
      let parts = IRCSource(line.source)
      return [parts.nick.string, parts.user.string, parts.host.string]
    }
    let expected = ["nick", "user", "host"].map { atoms[$0]?.text ?? "" }
    check(found == expected, "\(name): “\(source)”: found \(found ?? []), expected \(expected)")
  }

  private mutating func mask(_ test: YAMLValue, _ name: String) {
    guard let text = test["mask"]?.text else { return skip("\(name): no mask") }
    let mask = IRCMask(text)
    let wrong =
      (test["matches"]?.items ?? []).compactMap(\.text).filter { !mask.matches($0) }
      + (test["fails"]?.items ?? []).compactMap(\.text).filter { mask.matches($0) }
    check(wrong.isEmpty, "\(name): mask “\(text)” is wrong about \(wrong)")
  }
}

/// As much of YAML as the cases need, read by libyaml: every scalar is text.
private enum YAMLValue {
  case scalar(String)
  case list([YAMLValue])
  case map([(key: String, value: YAMLValue)])

  init?(file path: String) {
    guard let input = fopen(path, "rb") else { return nil }
    defer { fclose(input) }
    var parser = yaml_parser_t()
    guard yaml_parser_initialize(&parser) == 1 else { return nil }
    defer { yaml_parser_delete(&parser) }
    yaml_parser_set_input_file(&parser, input)
    var document = yaml_document_t()
    guard yaml_parser_load(&parser, &document) == 1 else { return nil }
    defer { yaml_document_delete(&document) }
    guard let root = yaml_document_get_root_node(&document), let value = YAMLValue(root, in: &document, depth: 0)
    else { return nil }
    self = value
  }

  private init?(_ node: UnsafeMutablePointer<yaml_node_t>, in document: inout yaml_document_t, depth: Int) {
    guard depth < 32 else { return nil }
    switch node.pointee.type {
    case YAML_SCALAR_NODE:
      let scalar = node.pointee.data.scalar
      self = .scalar(String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self))
    case YAML_SEQUENCE_NODE:
      var values: [YAMLValue] = []
      var item = node.pointee.data.sequence.items.start
      while let current = item, current != node.pointee.data.sequence.items.top {
        guard let child = yaml_document_get_node(&document, current.pointee),
          let value = YAMLValue(child, in: &document, depth: depth + 1)
        else { return nil }
        values.append(value)
        item = current + 1
      }
      self = .list(values)
    case YAML_MAPPING_NODE:
      var pairs: [(key: String, value: YAMLValue)] = []
      var pair = node.pointee.data.mapping.pairs.start
      while let current = pair, current != node.pointee.data.mapping.pairs.top {
        guard let keyNode = yaml_document_get_node(&document, current.pointee.key),
          let valueNode = yaml_document_get_node(&document, current.pointee.value),
          case .scalar(let key)? = YAMLValue(keyNode, in: &document, depth: depth + 1),
          let value = YAMLValue(valueNode, in: &document, depth: depth + 1)
        else { return nil }
        pairs.append((key, value))
        pair = current + 1
      }
      self = .map(pairs)
    default: return nil
    }
  }

  var text: String? { if case .scalar(let text) = self { text } else { nil } }
  var items: [YAMLValue]? { if case .list(let items) = self { items } else { nil } }
  var pairs: [(key: String, value: YAMLValue)]? { if case .map(let pairs) = self { pairs } else { nil } }
  subscript(key: String) -> YAMLValue? { pairs?.first { $0.key == key }?.value }
}
