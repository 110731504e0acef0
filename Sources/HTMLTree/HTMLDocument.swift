import CGumbo

/// A page as a browser would understand it (HTML5), for reading: elements, attributes, texts.
///
/// It is a value without pointers: the nodes lie in document order, so that what is inside a node is the run behind it.
public struct HTMLDocument: Sendable {
  /// An element's tag and attributes; what is inside it is the document's to say.
  public struct Element: Sendable {
    /// In lower case.
    public let tag: String
    /// The names in lower case, in the order of the document.
    public let attributes: [(name: String, value: String)]

    /// The attribute of that name, in lower case; the first where a page has it twice.
    public subscript(_ name: String) -> String? { attributes.first { $0.name == name }?.value }
  }

  struct Node: Sendable {
    /// nil for a text.
    let element: Element?
    let text: String
    /// -1: none.
    let parent: Int
    /// Of an element: the element before it that has the same parent, its number among those, counted from 1, and how many there are.
    var previous = -1
    var number = 1
    var isLast = true
    /// Behind the last node that is inside.
    var end = 0
  }

  private(set) var nodes: [Node] = []

  /// The largest page, in bytes; how much memory the parser may have, and how long it may take.
  public static let longest = 4_194_304
  private static let parserBytes = 134_217_728
  private static let parserNanoseconds: Int64 = 500_000_000

  /// nil for a page that is too large, or so made that it takes more than what is reasonable to read it. Bytes that are no UTF-8 are
  /// replaced.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count <= Self.longest else { return nil }
    let isRead = bytes.withUnsafeBytes { bytes in
      guard
        let document = cgumbo_parse(
          bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, Self.parserBytes, Self.parserNanoseconds)
      else { return false }
      defer { cgumbo_free(document) }
      read(cgumbo_root(document))
      return true
    }
    if !isRead { return nil }
  }

  public init?(_ text: String) { self.init(Array(text.utf8)) }

  /// Takes the tree over. A stack of its own and no recursion: some trees are as deep as they are long.
  private mutating func read(_ root: UnsafePointer<GumboNode>?) {
    guard let root else { return }
    var open: [(node: UnsafePointer<GumboNode>, index: Int, child: UInt32, last: Int)] = []
    func enter(_ node: UnsafePointer<GumboNode>) {
      let parent = open.last?.index ?? -1
      switch node.pointee.type {
      case GUMBO_NODE_ELEMENT, GUMBO_NODE_TEMPLATE:
        let index = nodes.count
        nodes.append(Node(element: Self.element(node), text: "", parent: parent))
        if let last = open.indices.last {
          let previous = open[last].last
          if previous >= 0 {
            nodes[previous].isLast = false
            nodes[index].previous = previous
            nodes[index].number = nodes[previous].number + 1
          }
          open[last].last = index
        }
        open.append((node, index, 0, -1))
      case GUMBO_NODE_TEXT, GUMBO_NODE_CDATA, GUMBO_NODE_WHITESPACE:
        let text = node.pointee.v.text.text.map { String(cString: $0) } ?? ""
        nodes.append(Node(element: nil, text: text, parent: parent, end: nodes.count + 1))
      default: break
      }
    }
    enter(root)
    while let top = open.last {
      let children = top.node.pointee.v.element.children
      guard top.child < children.length, let child = children.data[Int(top.child)] else {
        nodes[top.index].end = nodes.count
        open.removeLast()
        continue
      }
      open[open.count - 1].child += 1
      enter(UnsafePointer(child.assumingMemoryBound(to: GumboNode.self)))
    }
  }

  private static func element(_ node: UnsafePointer<GumboNode>) -> Element {
    withUnsafePointer(to: node.pointee.v.element) { element in
      var length = 0
      let name = cgumbo_tag(element, &length)
      let tag = UnsafeRawBufferPointer(start: name, count: length)
      var attributes: [(name: String, value: String)] = []
      let list = element.pointee.attributes
      for index in 0..<Int(list.length) {
        guard let attribute = list.data[index]?.assumingMemoryBound(to: GumboAttribute.self).pointee else { continue }
        attributes.append((String(cString: attribute.name).lowercased(), String(cString: attribute.value)))
      }
      return Element(tag: String(decoding: tag, as: UTF8.self).lowercased(), attributes: attributes)
    }
  }

  // MARK: Reading

  /// The numbers of the elements, in document order.
  var elements: some Sequence<Int> { nodes.indices.lazy.filter { nodes[$0].element != nil } }

  /// The element of a number that the document gave; nil: there is none, or a text stands there.
  public func element(_ number: Int) -> Element? { nodes.indices.contains(number) ? nodes[number].element : nil }

  private static let invisible: Set<String> = ["script", "style", "noscript", "template", "head", "title"]
  private static let inline: Set<String> = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "label",
    "mark", "q",
    "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
  ]

  /// The text that is inside an element, as one line: white space is one space. Scripts and the like inside it are left out.
  ///
  /// - Parameter limit: where the text is cut, in characters.
  public func text(of number: Int, limit: Int = 2000) -> String {
    guard nodes.indices.contains(number) else { return "" }
    var text = ""
    var count = 0
    var wantsSpace = false
    var index = number + 1
    // An element that is itself invisible was asked for all the same.
    while index < nodes[number].end, count < limit {
      let node = nodes[index]
      if let element = node.element {
        if Self.invisible.contains(element.tag) {
          index = node.end
          continue
        }
        if !Self.inline.contains(element.tag) { wantsSpace = true }
      } else {
        for character in node.text {
          if character.isWhitespace {
            wantsSpace = true
            continue
          }
          if wantsSpace, !text.isEmpty { text.append(" ") }
          wantsSpace = false
          text.append(character)
          count += 1
          if count >= limit { return text + "…" }
        }
        // What follows a block stands apart from it.
        if let parent = nodes[node.parent].element, !Self.inline.contains(parent.tag), node.parent != number,
          nodes[node.parent].end == index + 1
        {
          wantsSpace = true
        }
      }
      index += 1
    }
    return text
  }
}
