/// One line of a requirements file, understood.
struct RequirementLine {
  enum Content {
    /// A name with or without a version, or a name at an address.
    case requirement(RequirementSpecifier)
    /// An address or a path. The name is the one that its fragment says (`#egg=`); else the file's name may tell.
    case location(name: ProjectName?, fileName: String)
    /// Options alone.
    case options
    /// Environment variables stand in it; the name is what it begins with.
    case environment(name: ProjectName?)
    /// pip would refuse it. The name is what it begins with.
    case invalid(name: ProjectName?, reason: String)
  }

  let logical: LogicalLine
  let content: Content
  private(set) var options = LineOptions()

  init(_ logical: LogicalLine, in source: SourceText) {
    self.logical = logical
    let end = Self.endOfArguments(logical.characters)
    let arguments = logical.characters[..<end]
    guard let words = ShellWord.split(logical, from: end) else {
      content = .invalid(name: Self.leadingName(arguments), reason: "a quote is not closed")
      return
    }
    do throws(LineOptions.Failure) {
      options = try LineOptions(words, of: logical, in: source)
    } catch {
      content = .invalid(name: Self.leadingName(arguments), reason: error.reason)
      return
    }
    if !arguments.isEmpty {
      content = Self.content(of: arguments)
    } else if let editable = options.editables.first {
      content = Self.location(Array(editable.text.utf8)[...])
    } else {
      content = .options
    }
  }

  /// Where the options begin: at the first word, between single spaces, that starts with `-`.
  private static func endOfArguments(_ characters: [UInt8]) -> Int {
    for index in characters.indices where characters[index] == UInt8(ascii: "-") {
      if index == 0 { return 0 }
      if characters[index - 1] == 0x20 {
        return (characters[..<index].lastIndex { $0 != 0x20 } ?? -1) + 1
      }
    }
    return characters.count
  }

  private static func content(of arguments: ArraySlice<UInt8>) -> Content {
    let withoutMarker = arguments.prefix { $0 != UInt8(ascii: ";") }
    if isAddress(withoutMarker) { return location(arguments) }
    let requirement = RequirementSpecifier(arguments)
    if let requirement, requirement.isDirect || !isArchive(withoutMarker.text.trimmed) {
      return .requirement(requirement)
    }
    let name = leadingName(arguments)
    let isNamed =
      name != nil
      && arguments.dropFirst(name?.spelling.utf8.count ?? 0).first { !$0.isPythonBlank } == UInt8(ascii: "@")
    if requirement != nil || (!isNamed && looksLikePath(withoutMarker)) { return location(arguments) }
    if hasEnvironmentVariable(arguments) { return .environment(name: name) }
    return .invalid(name: name, reason: "it is no requirement that pip reads, such as `name==1.0`")
  }

  // MARK: Addresses and paths

  private static let schemes: Set<String> = [
    "http", "https", "file", "ftp", "ssh", "git", "hg", "bzr", "sftp", "svn", "git+http", "git+https", "git+ssh",
    "git+git", "git+file", "hg+file", "hg+http", "hg+https", "hg+ssh", "hg+static-http", "svn+ssh", "svn+http",
    "svn+https", "svn+svn", "svn+file", "bzr+http", "bzr+https", "bzr+ssh", "bzr+sftp", "bzr+ftp", "bzr+lp",
    "bzr+file",
  ]

  private static func isAddress(_ text: ArraySlice<UInt8>) -> Bool {
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return false }
    return schemes.contains(text[..<colon].text.lowercased())
  }

  /// A path could be anything; one with blanks or operators is taken for a requirement that is wrong.
  private static func looksLikePath(_ text: ArraySlice<UInt8>) -> Bool {
    let text = Array(text.text.trimmed.utf8)[...]
    guard !text.contains(where: { $0.isPythonBlank || "<>=,'\"".utf8.contains($0) }) else { return false }
    return text.first == UInt8(ascii: ".") || text.contains(UInt8(ascii: "/"))
      || isArchive(DistributionFileName.withoutExtras(text.text))
  }

  private static func isArchive(_ name: String) -> Bool { DistributionFileName.isArchive(name) }

  private static func location(_ text: ArraySlice<UInt8>) -> Content {
    if let requirement = RequirementSpecifier(text), requirement.isDirect { return .requirement(requirement) }
    // A marker stands behind a blank; an address may have a `;` of its own.
    let address = text.prefix { !$0.isPythonBlank }.text
    let parts = address.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    var egg: ProjectName?
    if parts.count == 2 {
      for part in parts[1].split(separator: "&") where part.hasPrefix("egg=") {
        egg = ProjectName(String(part.dropFirst(4).prefix { $0 != "[" }))
      }
    }
    let path = parts[0].prefix { $0 != "?" }
    let fileName = path.split(separator: "/").last.map(String.init) ?? ""
    return .location(name: egg, fileName: DistributionFileName.withoutExtras(fileName))
  }

  // MARK: Names and variables

  /// The name that a text begins with, whatever follows.
  private static func leadingName(_ text: ArraySlice<UInt8>) -> ProjectName? {
    var word = text.prefix { $0.isAlphanumeric || $0.isNameSeparator }
    while let last = word.last, last.isNameSeparator { word = word.dropLast() }
    return ProjectName(word.text)
  }

  /// Whether `${NAME}` stands in it, in the one form that pip expands.
  static func hasEnvironmentVariable(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
      rest = rest[(dollar + 1)...]
      guard rest.first == UInt8(ascii: "{") else { continue }
      let name = rest.dropFirst().prefix { $0.isUppercase || $0.isDigit || $0 == UInt8(ascii: "_") }
      if !name.isEmpty, name.endIndex < rest.endIndex, rest[name.endIndex] == UInt8(ascii: "}") { return true }
    }
    return false
  }

  /// Whether the line is about a project: pip would install or limit it.
  func concerns(_ name: ProjectName) -> Bool {
    switch content {
    case .requirement(let requirement): requirement.name == name
    case .location(let own?, _): own == name
    case .location(nil, let fileName): DistributionFileName(fileName, of: name) != nil
    case .environment(let own), .invalid(let own, _): own == name
    case .options: false
    }
  }
}
