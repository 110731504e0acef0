import CYAML

/// A small YAML document (1.2, core schema) as a tree in which everything knows where it stands; parsed by libyaml. Tags, anchors and aliases are
/// errors: whoever writes such a file has no use for them, and an alias can make a small file large.
indirect enum YAMLTree {
  case scalar(String, isPlain: Bool, Place)
  case list([YAMLTree], Place)
  case map([(key: String, at: Place, value: YAMLTree)], Place)

  /// Counted from 1.
  struct Place: Hashable {
    var line: Int
    var column: Int
  }

  struct Problem: Error {
    var place: Place
    var text: String
  }

  private static let largest = 64 << 10
  private static let deepest = 8

  var place: Place {
    switch self {
    case .scalar(_, _, let place), .list(_, let place), .map(_, let place): place
    }
  }

  /// nil for a document without anything in it.
  static func parse(_ bytes: [UInt8]) throws(Problem) -> YAMLTree? {
    let start = Place(line: 1, column: 1)
    guard bytes.count <= largest else { throw Problem(place: start, text: "the file has more than \(largest) bytes") }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw Problem(place: start, text: "the file is not UTF-8")
    }
    let reader = EventReader(bytes)
    try reader.skip(to: YAML_STREAM_START_EVENT)
    let first = try reader.next()
    guard first.type == YAML_DOCUMENT_START_EVENT else { return nil }
    let tree = try reader.tree(depth: 0)
    try reader.skip(to: YAML_DOCUMENT_END_EVENT)
    let last = try reader.next()
    guard last.type == YAML_STREAM_END_EVENT else {
      throw Problem(place: last.place, text: "there is a second document; one is read")
    }
    return tree
  }

  private struct Event {
    var type: yaml_event_type_t
    var place: Place
    var text = ""
    var isPlain = false
  }

  private final class EventReader {
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8]) {
      input = .allocate(capacity: max(1, bytes.count))
      _ = input.initialize(from: bytes)
      yaml_parser_initialize(parser)
      yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
      yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
      yaml_parser_delete(parser)
      parser.deallocate()
      input.deallocate()
    }

    func next() throws(Problem) -> Event {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) == 1 else {
        let mark = parser.pointee.problem_mark
        throw Problem(
          place: Place(line: Int(mark.line) + 1, column: Int(mark.column) + 1),
          text: parser.pointee.problem.map { String(cString: $0) } ?? "this is no YAML")
      }
      defer { yaml_event_delete(&event) }
      let place = Place(line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1)
      var found = Event(type: event.type, place: place)
      var anchor: UnsafeMutablePointer<yaml_char_t>?
      var tag: UnsafeMutablePointer<yaml_char_t>?
      switch event.type {
      case YAML_SCALAR_EVENT:
        let scalar = event.data.scalar
        (anchor, tag) = (scalar.anchor, scalar.tag)
        found.text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        found.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
      case YAML_SEQUENCE_START_EVENT: (anchor, tag) = (event.data.sequence_start.anchor, event.data.sequence_start.tag)
      case YAML_MAPPING_START_EVENT: (anchor, tag) = (event.data.mapping_start.anchor, event.data.mapping_start.tag)
      case YAML_ALIAS_EVENT: throw Problem(place: place, text: "an alias; write the value out")
      default: break
      }
      if anchor != nil { throw Problem(place: place, text: "an anchor; write the value out where it is needed") }
      if tag != nil { throw Problem(place: place, text: "a tag; write the value without it") }
      return found
    }

    func skip(to type: yaml_event_type_t) throws(Problem) {
      while try next().type != type {}
    }

    func tree(depth: Int) throws(Problem) -> YAMLTree { try tree(from: try next(), depth: depth) }

    private func tree(from event: Event, depth: Int) throws(Problem) -> YAMLTree {
      guard depth < deepest else { throw Problem(place: event.place, text: "more than \(deepest) levels") }
      switch event.type {
      case YAML_SCALAR_EVENT: return .scalar(event.text, isPlain: event.isPlain, event.place)
      case YAML_SEQUENCE_START_EVENT:
        var items: [YAMLTree] = []
        while true {
          let item = try next()
          if item.type == YAML_SEQUENCE_END_EVENT { return .list(items, event.place) }
          items.append(try tree(from: item, depth: depth + 1))
        }
      case YAML_MAPPING_START_EVENT:
        var members: [(key: String, at: Place, value: YAMLTree)] = []
        while true {
          let key = try next()
          if key.type == YAML_MAPPING_END_EVENT { return .map(members, event.place) }
          guard key.type == YAML_SCALAR_EVENT else { throw Problem(place: key.place, text: "a key that is no word") }
          guard !members.contains(where: { $0.key == key.text }) else {
            throw Problem(place: key.place, text: "\"\(key.text)\" stands here twice")
          }
          members.append((key.text, key.place, try tree(depth: depth + 1)))
        }
      default: throw Problem(place: event.place, text: "a value is missing")
      }
    }
  }
}
