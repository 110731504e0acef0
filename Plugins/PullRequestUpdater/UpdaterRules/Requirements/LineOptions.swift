/// The options of a requirements file's line, as pip's option parser takes them: a long name may be cut as far as it stays the only one.
struct LineOptions {
  struct Value {
    let text: String
    /// In the line, from the option's name to the value's end, as they are written.
    let range: Range<Int>
  }

  /// What is wrong with the options, as the end of a sentence.
  struct Failure: Error { let reason: String }

  private(set) var requirements: [Value] = []
  private(set) var constraints: [Value] = []
  private(set) var editables: [Value] = []
  private(set) var hashes: [Value] = []
  private(set) var allowsPreReleases = false
  private(set) var requiresHashes = false

  private enum Name: String, CaseIterable {
    case indexURL = "index-url"
    case pypiURL = "pypi-url"
    case extraIndexURL = "extra-index-url"
    case noIndex = "no-index"
    case constraint
    case requirement
    case editable
    case findLinks = "find-links"
    case noBinary = "no-binary"
    case onlyBinary = "only-binary"
    case preferBinary = "prefer-binary"
    case requireHashes = "require-hashes"
    case noRequireHashes = "no-require-hashes"
    case pre
    case allReleases = "all-releases"
    case onlyFinal = "only-final"
    case trustedHost = "trusted-host"
    case useFeature = "use-feature"
    case globalOption = "global-option"
    case hash
    case configSettings = "config-settings"
    case configSetting = "config-setting"

    var takesValue: Bool {
      switch self {
      case .noIndex, .preferBinary, .requireHashes, .noRequireHashes, .pre: false
      default: true
      }
    }

    static let short: [UInt8: Name] = [
      UInt8(ascii: "i"): .indexURL, UInt8(ascii: "c"): .constraint, UInt8(ascii: "r"): .requirement,
      UInt8(ascii: "e"): .editable, UInt8(ascii: "f"): .findLinks, UInt8(ascii: "C"): .configSettings,
    ]

    init(abbreviation: String) throws(Failure) {
      if let exact = Name(rawValue: abbreviation) {
        self = exact
        return
      }
      let found = Name.allCases.filter { $0.rawValue.hasPrefix(abbreviation) }
      guard let first = found.first, !abbreviation.isEmpty else {
        throw Failure(reason: "it has no option `--\(abbreviation)`")
      }
      guard found.count == 1 else {
        let names = found.map { "--\($0.rawValue)" }.joined(separator: ", ")
        throw Failure(reason: "`--\(abbreviation)` may mean \(names)")
      }
      self = first
    }
  }

  init() {}

  /// - Throws: ``Failure`` where pip would refuse the line.
  init(_ words: [ShellWord], of line: LogicalLine, in source: SourceText) throws(Failure) {
    var index = 0
    /// An option's value: what is left of its word, else the next word.
    func value(_ name: Name, _ rest: ArraySlice<Int>?) throws(Failure) -> Value {
      let start = words[index].range.lowerBound
      if let rest { return Value(text: line.text(rest, in: source), range: words[index].range) }
      index += 1
      guard index < words.count else { throw Failure(reason: "`--\(name.rawValue)` needs a value") }
      return Value(
        text: line.text(words[index].indices, in: source), range: start..<words[index].range.upperBound)
    }
    while index < words.count {
      let word = words[index]
      if word.text == "--" { return }
      if word.characters.starts(with: "--".utf8) {
        let mark = word.characters.firstIndex(of: UInt8(ascii: "="))
        let name = try Name(abbreviation: word.characters[2..<(mark ?? word.characters.count)].text)
        if !name.takesValue {
          guard mark == nil else { throw Failure(reason: "`--\(name.rawValue)` takes no value") }
          set(name)
        } else {
          try add(name, value(name, mark.map { word.indices[($0 + 1)...] }))
        }
      } else if word.characters.count > 1, word.characters[0] == UInt8(ascii: "-") {
        guard let name = Name.short[word.characters[1]] else {
          throw Failure(reason: "it has no option `-\(word.characters[1..<2].text)`")
        }
        try add(name, value(name, word.characters.count > 2 ? word.indices[2...] : nil))
      }
      index += 1
    }
  }

  private mutating func set(_ name: Name) {
    switch name {
    case .pre: allowsPreReleases = true
    case .requireHashes: requiresHashes = true
    default: break
    }
  }

  private mutating func add(_ name: Name, _ value: Value) throws(Failure) {
    switch name {
    case .requirement: requirements.append(value)
    case .constraint: constraints.append(value)
    case .editable: editables.append(value)
    case .hash:
      let algorithm = value.text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard algorithm.count == 2, ["sha256", "sha384", "sha512"].contains(algorithm[0]) else {
        throw Failure(reason: "`--hash` needs sha256:, sha384: or sha512: and a digest")
      }
      hashes.append(value)
    case .configSettings, .configSetting:
      guard value.text.contains("=") else { throw Failure(reason: "`--\(name.rawValue)` needs KEY=VALUE") }
    default: break
    }
  }
}
