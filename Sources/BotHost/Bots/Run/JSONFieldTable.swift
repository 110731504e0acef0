/// The fields that a program reads of an event: a tree of names, laid out flat.
struct JSONFieldTable: Sendable {
  struct Node: BitwiseCopyable, Sendable {
    /// The first of its members, which are chained by `next`; -1: none.
    var firstMember: Int32 = -1
    /// The position of the value itself, when it is wanted; -1: not.
    var position: Int32 = -1
  }

  struct Member: BitwiseCopyable, Sendable {
    var nameStart: Int32
    var nameLength: Int32
    var node: Int32
    var next: Int32
  }

  private(set) var nodes = [Node()]
  private(set) var members: [Member] = []
  private(set) var names: [UInt8] = []
  private(set) var count = 0
  /// The paths by position.
  private(set) var paths: [[String]] = []
  private var positions: [[String]: Int] = [:]

  /// The position of a path; the same path has one position. The empty path is the whole payload.
  mutating func position(of path: [String]) -> Int {
    if let position = positions[path] { return position }
    var node = 0
    for name in path { node = child(of: node, named: Array(name.utf8)) }
    let position = count
    count += 1
    nodes[node].position = Int32(position)
    positions[path] = position
    paths.append(path)
    return position
  }

  private mutating func child(of node: Int, named name: [UInt8]) -> Int {
    var index = nodes[node].firstMember
    while index >= 0 {
      let member = members[Int(index)]
      let start = Int(member.nameStart)
      if names[start..<start + Int(member.nameLength)].elementsEqual(name) { return Int(member.node) }
      index = member.next
    }
    nodes.append(Node())
    members.append(
      Member(
        nameStart: Int32(names.count), nameLength: Int32(name.count), node: Int32(nodes.count - 1),
        next: nodes[node].firstMember))
    names.append(contentsOf: name)
    nodes[node].firstMember = Int32(members.count - 1)
    return nodes.count - 1
  }
}

/// Finds the fields of one payload as they are asked for, going over it at most once.
///
/// The table is lowered: plain memory that outlives the scanner.
struct JSONFieldScanner {
  /// `JSONFieldTable` without reference counts.
  struct Table {
    var nodes: UnsafePointer<JSONFieldTable.Node>
    var members: UnsafePointer<JSONFieldTable.Member>
    var names: UnsafePointer<UInt8>
    var count: Int
  }

  /// By position; the lower bound is -1 where nothing has been found yet.
  private(set) var found = RawArray<Found>(capacity: 16)
  private var next = 0
  private var end = 0
  private var isDone = false

  struct Found: BitwiseCopyable {
    var start: Int
    var end: Int
  }

  func deallocate() { found.deallocate() }

  mutating func begin(_ table: Table, _ bytes: UnsafeRawBufferPointer, payload: Int) {
    found.set(count: table.count, to: Found(start: -1, end: -1))
    var start = 0
    end = payload
    let payloadBytes = UnsafeRawBufferPointer(rebasing: bytes[..<payload])
    JSONText.skipBlanks(payloadBytes, &start)
    let root = table.nodes[0]
    if root.position >= 0 { found[Int(root.position)] = Found(start: start, end: payload) }
    isDone = root.firstMember < 0 || start >= payload || bytes[start] != 0x7B
    next = start + 1
  }

  /// The range of a field; empty where there is none. Of two members with one name it is the first.
  @inline(__always)
  mutating func field(_ position: Int, _ table: Table, _ bytes: UnsafeRawBufferPointer) -> Range<Int> {
    let known = found[position]
    if known.start >= 0 { return known.start..<known.end }
    return isDone ? 0..<0 : scan(position, table, bytes)
  }

  private mutating func scan(_ position: Int, _ table: Table, _ bytes: UnsafeRawBufferPointer) -> Range<Int> {
    while let member = JSONText.nextMember(bytes, &next, end: end) {
      take(member.name, member.value, table.nodes[0], table, bytes)
      let known = found[position]
      if known.start >= 0 { return known.start..<known.end }
    }
    isDone = true
    return 0..<0
  }

  private mutating func take(
    _ name: Range<Int>, _ value: Range<Int>, _ parent: JSONFieldTable.Node, _ table: Table,
    _ bytes: UnsafeRawBufferPointer
  ) {
    var index = parent.firstMember
    while index >= 0 {
      let member = table.members[Int(index)]
      let wanted = UnsafeBufferPointer(start: table.names + Int(member.nameStart), count: Int(member.nameLength))
      if JSONText.matches(bytes, name, wanted) {
        let node = table.nodes[Int(member.node)]
        if node.position >= 0, found[Int(node.position)].start < 0 {
          found[Int(node.position)] = Found(start: value.lowerBound, end: value.upperBound)
        }
        guard node.firstMember >= 0, bytes[value.lowerBound] == 0x7B else { return }
        var inner = value.lowerBound + 1
        while let next = JSONText.nextMember(bytes, &inner, end: value.upperBound) {
          take(next.name, next.value, node, table, bytes)
        }
        return
      }
      index = member.next
    }
  }
}
