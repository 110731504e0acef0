import SeededRandom
import Testing

@testable import UpdaterRules

@Suite("Versions of Python projects")
struct VersionTests {
  @Test(
    "Every spelling has its normal form",
    arguments: [
      ("1", "1"), (" v1.0 ", "1.0"), ("V2", "2"), ("1.0-alpha.1", "1.0a1"), ("1.0_BETA2", "1.0b2"), ("1.0c3", "1.0rc3"),
      ("1.0rc", "1.0rc0"), ("1.0pre4", "1.0rc4"), ("1.0-preview_5", "1.0rc5"), ("1.0-1", "1.0.post1"),
      ("1.0rev2", "1.0.post2"), ("1.0-r3", "1.0.post3"), ("1.0post", "1.0.post0"), ("1.0-dev", "1.0.dev0"),
      ("1.0DEV3", "1.0.dev3"), ("0!1.0", "1.0"), ("01!2", "1!2"), ("01.02.003", "1.2.3"),
      ("1.0+Ubuntu_1-2", "1.0+ubuntu.1.2"),
      ("1.0a1.post2.dev3", "1.0a1.post2.dev3"), ("1.0a.", "1.0a0"), ("1.0a-1", "1.0a1"), ("1.0+007.x", "1.0+7.x"),
      ("1.99999999999999999999999999", "1.99999999999999999999999999"),
    ])
  func normalForm(text: String, normal: String) {
    let version = PEP440Version(text)
    #expect(version?.description == normal)
    #expect(PEP440Version(normal) == version)
  }

  @Test(
    "What is no version is refused",
    arguments: [
      "", "latest", "1.0+", "1.0-", "1..0", "1.0.x", "1.0a1b2", "1.0 1", "=1.0", "!1.0", "1!", "2004d",
      "1.0.dev1.post1",
      "١.٢", "1.0+foo!", "v", ".1", "1.0++a", "1.0+a..b", String(repeating: "1", count: 1025),
    ])
  func noVersion(text: String) { #expect(PEP440Version(text) == nil) }

  @Test("Versions are in the standard's order")
  func order() {
    let ascending = [
      "1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12", "1.0b1.dev456", "1.0b2", "1.0b2.post345.dev456",
      "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0+5.1",
      "1.0.post456.dev34",
      "1.0.post456", "1.0.15", "1.1.dev1", "1.1", "1.9", "1.10", "2013.10", "1.18446744073709551617.0", "1!0.1",
    ].compactMap { PEP440Version($0) }
    #expect(ascending.count == 26)
    let expected = ascending.filter { $0.releaseNumbers != ["1", "18446744073709551617", "0"] }
    #expect(expected.sorted() == expected)
    #expect(expected.shuffled().sorted().map(\.description) == expected.map(\.description))
  }

  @Test("Spellings of one version are equal, and so are their hashes")
  func equality() {
    for (one, other) in [("1", "1.0.0"), ("1.0c1", "1.0rc1"), ("1.0-1", "1.0.post1"), ("1.0+a.b", "1.0+A-B")] {
      #expect(PEP440Version(one) == PEP440Version(other))
      #expect(Set([PEP440Version(one), PEP440Version(other)]).count == 1)
    }
    #expect(PEP440Version("1.0") != PEP440Version("1.0+a"))
  }

  static func version(_ random: inout RandomSource) -> String {
    var text = random.one(in: 8) ? "1!" : ""
    text += (0...random.below(3)).map { _ in random.pick(["0", "1", "2", "10", "99999999999999999999"]) }.joined(
      separator: ".")
    if random.one(in: 3) { text += random.pick(["a", "b", "rc", ".alpha", "-c"]) + random.pick(["", "0", "1", "2"]) }
    if random.one(in: 3) { text += random.pick([".post", "-r", "-"]) + random.pick(["0", "1", "2"]) }
    if random.one(in: 3) { text += random.pick([".dev", "dev", "_dev"]) + random.pick(["", "0", "1"]) }
    if random.one(in: 4) { text += random.pick(["+a", "+1", "+a.1", "+1.a", "+01"]) }
    return text
  }

  @Test("The order is total, and the normal form is its own")
  func orderOfRandomVersions() throws {
    var random = RandomSource(seed: RandomSource.seed)
    for _ in 0..<(RandomSource.isFull ? 100_000 : 10_000) {
      let texts = (0..<3).map { _ in Self.version(&random) }
      let versions = texts.compactMap { PEP440Version($0) }
      try #require(versions.count == 3, "\(texts), seed \(RandomSource.seed)")
      let (a, b, c) = (versions[0], versions[1], versions[2])
      let relations = [a < b, a == b, b < a].count { $0 }
      #expect(relations == 1, "\(a) and \(b), seed \(RandomSource.seed)")
      if a <= b, b <= c { #expect(a <= c, "\(a), \(b), \(c), seed \(RandomSource.seed)") }
      if a == b { #expect(a.hashValue == b.hashValue) }
      let again = PEP440Version(a.description)
      #expect(again == a && again?.description == a.description, "\(texts[0]), seed \(RandomSource.seed)")
    }
  }
}

@Suite("Version specifiers")
struct SpecifierTests {
  @Test(
    "A specifier lets in what the standard says",
    arguments: [
      ("~=2.2", "2.2.1", true), ("~=2.2", "3.0", false), ("~=2.2", "2.2a1", false), ("~=2.2.post3", "2.3", true),
      ("~=1.4.5.0", "1.4.6", false), ("==1.1", "1.1.0", true), ("==1.1", "1.1.post1", false),
      ("==1.1", "1.1+local", true),
      ("==1.1+local", "1.1", false), ("==1.1.*", "1.1a1", true), ("==1.1.*", "1.10", false), ("==1.0.*", "1", true),
      ("!=1.1.*", "1.1.5", false), ("<=1.0", "1.0+x", true), (">=1.0", "1.0a1", false), ("<3.1", "3.1.dev0", false),
      ("<3.1a1", "3.1.dev0", true), ("<1.0.post1", "1.0.post1.dev0", false), (">1.7", "1.7.0.post1", false),
      (">1.7", "1.7+x", false), (">1.7.post2", "1.7.post3", true), ("===1.0", "1.0.0", false), ("===V1", "v1", true),
      (">=1.0,!=1.3.4.*,<2", "1.3.4.1", false), ("", "2.0a1", true), (">=1, ,<2,", "1.5", true),
      ("==1!1.*", "1.5", false),
    ])
  func contains(specifier: String, version: String, lets: Bool) throws {
    let specifiers = try #require(SpecifierSet(specifier))
    let candidate = try #require(PEP440Version(version))
    #expect(specifiers.contains(candidate, spelling: version) == lets, "\(specifier) \(version)")
  }

  @Test(
    "What is no specifier is refused",
    arguments: [
      "~=1", "==1.0.*.1", ">=1.*", "==1.0a1.*", "=1.0", ">=", "1.0", ">=1.0+x", "~=1.0+x", "===", "===1 0", ">=1;",
      "=>1",
    ])
  func noSpecifier(text: String) { #expect(SpecifierSet(text) == nil) }

  @Test("Exclusive bounds and their inclusive ones differ by one version")
  func bounds() throws {
    var random = RandomSource(seed: RandomSource.seed)
    for _ in 0..<5_000 {
      let bound = try #require(PEP440Version(VersionTests.version(&random))).publicVersion
      let version = try #require(PEP440Version(VersionTests.version(&random)))
      let lets = try ["<", "<=", ">", ">=", "==", "!="].map {
        try #require(SpecifierSet("\($0)\(bound)")).contains(version)
      }
      #expect(lets[4] != lets[5])
      #expect(!lets[0] || lets[1] && !lets[3] && !lets[4], "\(bound) \(version), seed \(RandomSource.seed)")
      #expect(!lets[2] || lets[3] && !lets[1] && !lets[4], "\(bound) \(version), seed \(RandomSource.seed)")
      #expect(lets[1] || lets[3])
    }
  }
}
