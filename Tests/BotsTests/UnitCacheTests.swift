import Foundation
import Testing

@testable import BotHost

/// A directory that goes with the value.
private final class Scratch {
  let path = NSTemporaryDirectory() + "units-\(UUID().uuidString.prefix(8))"
  deinit { try? FileManager.default.removeItem(atPath: path) }

  var files: [String] {
    (FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? []).filter { $0.contains("/") }.sorted()
  }

  func contents() throws -> [String: Data] {
    var found: [String: Data] = [:]
    for file in files { found[file] = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)")) }
    return found
  }
}

/// Compiled units on disk.
@Suite struct UnitCacheTests {
  static let steps = """
    - json: {username: "${event.username}", n: [1, "${event.nested.deep.x}"]}
      as: line
    - expect: {value: "${event.message}", matches: "^h", present: true}
    - if: {value: "${chat.connected}", equals: true}
      do:
        - for: c
          in: ${config.channels}
          do: [{chat.join: "${c}"}]
      else:
        - let: {t: "<${event.bits}${config.port}>"}
        - stdout.write: ${t}
    - chat.say: {channel: "x", text: "${line.username}"}
    - stdout.write: ${it.id}
    - assert: {value: "${event.nested.deep.x}", gt: 1, lt: 9, not: 3, in: [7, 8]}
    """

  private func build(
    _ text: String, _ cache: UnitCache?, running: BotBuild? = nil, target: UnitTarget = .interpreter
  ) throws -> BotBuild {
    BotBuild(try program(text), manifests: try Plugins.all(), target: target, cache: cache, running: running)
  }

  /// Builds the bot of the steps again and again, from a text that is read once.
  private func builder(_ cache: UnitCache) throws -> () -> BotBuild {
    let (program, manifests) = (try program(botText(Self.steps)), try Plugins.all())
    return { BotBuild(program, manifests: manifests, target: .interpreter, cache: cache, running: nil) }
  }

  @Test(arguments: UnitTarget.allCases)
  func keptOnceAndFoundAgain(target: UnitTarget) throws {
    let scratch = Scratch()
    let cache = UnitCache(directory: scratch.path)
    let first = try build(botText(Self.steps), cache, target: target)
    #expect(first.units.allSatisfy { $0.origin == .built })
    try first.store(in: cache)
    let kept = try scratch.contents()
    #expect(Set(kept.keys) == Set(first.units.map { "\($0.key.description.prefix(2))/\($0.key)" }))

    let second = try build(botText(Self.steps), cache, target: target)
    #expect(second.units.allSatisfy { $0.origin == .cached } && second.problems.isEmpty)
    #expect(second.units.map(\.content) == first.units.map(\.content))

    // Everything can be made anew, to the byte.
    try FileManager.default.removeItem(atPath: scratch.path)
    try build(botText(Self.steps), cache, target: target).store(in: cache)
    #expect(try scratch.contents() == kept)
  }

  /// A changed literal changes its own unit and no other.
  @Test func oneLiteralIsOneUnit() throws {
    let scratch = Scratch()
    let cache = UnitCache(directory: scratch.path)
    let first = try build(botText(Self.steps), cache)
    try first.store(in: cache)
    let text = botText(Self.steps.replacingOccurrences(of: "\"^h\"", with: "\"^H\""))
    for second in [try build(text, cache), try build(text, cache, running: first)] {
      #expect(second.units.filter { $0.origin == .built }.map(\.path) == ["/when/chat.message#H"])
    }
    #expect(try build(text, nil, running: first).count(.kept) == first.units.count - 1)
  }

  /// Layout, comments and places in the file are not in a unit; the order of a record's members is.
  @Test func layoutMeansNothing() throws {
    let scratch = Scratch()
    let cache = UnitCache(directory: scratch.path)
    try build(botText(Self.steps), cache).store(in: cache)
    let moved = try build("# a comment\n\n" + botText(Self.steps), cache)
    #expect(moved.count(.built) == 0)
    let handler = try #require(moved.program.handlers.first)
    #expect(handler.location.line == 13)
    let turned = Self.steps.replacingOccurrences(
      of: #"{username: "${event.username}", n: [1, "${event.nested.deep.x}"]}"#,
      with: #"{n: [1, "${event.nested.deep.x}"], username: "${event.username}"}"#)
    let other = try build(botText(turned), cache)
    #expect(other.program.tree.hash == moved.program.tree.hash)
    #expect(other.count(.built) == 1)
  }

  @Test func twoBotsShareAHandler() throws {
    let scratch = Scratch()
    let cache = UnitCache(directory: scratch.path)
    try build(botText(Self.steps), cache).store(in: cache)
    // Another name, another handler before it, so that all numbers are others.
    let other = botText(Self.steps).replacingOccurrences(of: "name: taco", with: "name: burrito")
      .replacingOccurrences(
        of: "when:\n",
        with: """
          when:
            - event: chat.message
              name: Other
              do:
                - expect: ${chat.channels}
                - log.publish: {key: "${event.channel}", value: "${config.level}"}
                - chat.count:

          """)
    let shared = try build(other, cache)
    let built = shared.units.filter { $0.origin == .built }.map(\.path)
    #expect(built == ["/when/chat.message#Other"])
    #expect(shared.program.methods.first?.name == "burrito.log.publish")
  }

  /// What is taken from the cache runs as what was made.
  @Test func cachedCodeRunsTheSame() throws {
    let scratch = Scratch()
    let cache = UnitCache(directory: scratch.path)
    try build(botText(Self.steps), cache).store(in: cache)
    let cached = try build(botText(Self.steps), cache)
    #expect(cached.count(.cached) == cached.units.count)
    var runs: [[String]] = []
    for program in [try program(botText(Self.steps)), cached.program] {
      var diagnostics = Diagnostics()
      let bound = try #require(
        program.bind(manifests: try Plugins.all(), environment: Environment([:]), diagnostics: &diagnostics))
      let recorder = Recorder(program)
      recorder.answer = { $0.method.hasSuffix("say") ? .success(#"{"id":"9"}"#) : .success("") }
      let runtime = BotRuntime(bound, effects: recorder)
      recorder.runtime = runtime
      for (topic, payload) in [
        ("twitch.message", RuntimeTests.message), ("twitch.state", #"{"connected":true}"#),
        ("twitch.message", RuntimeTests.message), ("twitch.message", #"{"message":"ho","nested":{"deep":{"x":3}}}"#),
      ] {
        let index = try #require(bound.program.subscriptions.firstIndex { $0.topic == topic })
        let outcome = Array(payload.utf8).withUnsafeBytes {
          runtime.deliver(subscription: index, payload: $0, delivery: 1)
        }
        recorder.lines.append("\(outcome)")
      }
      runs.append(recorder.summary + recorder.lines)
    }
    #expect(runs[0] == runs[1] && runs[0].count > 8)
  }

  // MARK: Damage

  @Test func damagedEntriesAreMadeAnew() throws {
    let scratch = Scratch()
    let cache = UnitCache(directory: scratch.path)
    let build = try builder(cache)
    let whole = build()
    try whole.store(in: cache)
    let kept = try scratch.contents()
    var generator = SystemRandomNumberGenerator()
    for (file, content) in kept {
      let path = URL(fileURLWithPath: "\(scratch.path)/\(file)")
      var damages = [Data(), content.dropLast(), content + Data([0]), content.dropFirst()]
      damages += stride(from: 0, to: content.count, by: max(1, content.count / 40)).flatMap { position -> [Data] in
        var flipped = content
        flipped[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        return [flipped, content.prefix(position)]
      }
      // Of another unit: whole, but not what the name says.
      damages += kept.filter { $0.key != file }.map(\.value)
      for damage in damages {
        try damage.write(to: path)
        let again = build()
        #expect(again.count(.built) == 1, "\(file): \(damage.count) bytes")
        #expect(again.units.map(\.content) == whole.units.map(\.content))
      }
      try build().store(in: cache)
      #expect(try Data(contentsOf: path) == content)
    }
  }

  /// Content that was forged with a right digest is still read as a program or not at all.
  @Test func forgedCodeIsRefused() throws {
    let scratch = Scratch()
    let cache = UnitCache(directory: scratch.path)
    let build = try builder(cache)
    let whole = build()
    let unit = try #require(whole.units.first { $0.path == "/when/chat.message#H" })
    var refused = 0
    for position in unit.content.indices {
      for value in [UInt8](arrayLiteral: 0, 1, 0x22, 0x7F, 0x80, 0xFF) where value != unit.content[position] {
        var forged = unit.content
        forged[position] = value
        try cache.write(forged, for: unit.key)
        // Either it is made anew, or it is a program whose every number lies within its tables.
        let again = build()
        if again.count(.built) == again.units.count { refused += 1 }
        let handler = again.program.handlers[0]
        for case .store(let slot, _) in handler.instructions { #expect(slot < handler.slotCount) }
      }
    }
    #expect(refused > unit.content.count)
    for length in 0..<unit.content.count {
      try cache.write(Array(unit.content[..<length]), for: unit.key)
      let again = build()
      #expect(again.units.map(\.content) == whole.units.map(\.content))
      #expect(!again.problems.isEmpty)
    }
  }

  /// A writer that was killed leaves a file of another name; after a while it is removed.
  @Test func leftoversAreIgnoredAndRemoved() throws {
    let scratch = Scratch()
    let cache = UnitCache(directory: scratch.path)
    try build(botText(Self.steps), cache).store(in: cache)
    let file = try #require(scratch.files.first)
    let leftover = "\(scratch.path)/\(file.prefix(2))/.abcdef-1-2"
    try Data("bothost-unit 1 half".utf8).write(to: URL(fileURLWithPath: leftover))
    #expect(try build(botText(Self.steps), cache).count(.built) == 0)
    cache.prune()
    #expect(FileManager.default.fileExists(atPath: leftover))
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -2 * Double(UnitCache.abandonedAfter))], ofItemAtPath: leftover)
    cache.prune()
    #expect(!FileManager.default.fileExists(atPath: leftover))
  }

  @Test func theLongestUnusedGoFirst() throws {
    let scratch = Scratch()
    let cache = UnitCache(directory: scratch.path, limit: 40_000)
    let keys = (0..<10).compactMap { UnitKey(SHA256Digest.hexadecimal(of: [UInt8($0)])) }
    for (index, key) in keys.enumerated() {
      try cache.write(Array(repeating: 1, count: 5_000), for: key)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: Double(index - 1_000))], ofItemAtPath: cache.path(key))
    }
    #expect(cache.read(keys[0])?.count == 5_000, "reading counts as use")
    cache.prune()
    let left = keys.filter { cache.read($0) != nil }
    #expect(left == [keys[0]] + keys[4...])
  }

  @Test func aCacheThatCannotBeWrittenIsNoHarm() throws {
    let cache = UnitCache(directory: "/proc/none/cache")
    let build = try build(botText(Self.steps), cache)
    #expect(throws: (any Error).self) { try build.store(in: cache) }
    #expect(build.count(.built) == build.units.count)
  }

  // MARK: Keys

  @Test func keysTellApartWhatMatters() throws {
    let program = try program(botText(Self.steps))
    let manifests = try Plugins.all()
    let handler = try #require(program.tree.paths()["/when/chat.message#H"])
    let types = BotTypeDigests(program, manifests: manifests)
    let key = UnitKey(handler, target: .interpreter, types: types)
    #expect(key != UnitKey(handler, target: .c, types: types))
    #expect(UnitKey(key.description) == key && UnitKey("x" + key.description.dropFirst()) == nil)
    // A plugin whose methods are called: another manifest is another key. One that is not called: the same.
    for (plugin, old, new, isSame) in [
      (Plugins.chat, "join: {args: {channel: string}}", "join: {args: {channel: string, key?: string}}", false),
      (Plugins.chat, "token: secret\ntopics", "token: secret\n# nothing\ntopics", true),
      (Plugins.kafka, "publish: {args: {key?: string, value: any}}", "publish: {args: {value: any}}", true),
    ] {
      #expect(plugin.contains(old))
      var diagnostics = Diagnostics()
      let text = plugin.replacingOccurrences(of: old, with: new)
      let changed = try #require(Manifest.decode(SourceText(name: "p.yaml", text), diagnostics: &diagnostics))
      let others = manifests.filter { $0.plugin != changed.plugin } + [changed]
      let other = UnitKey(handler, target: .interpreter, types: BotTypeDigests(program, manifests: others))
      #expect((other == key) == isSame, "\(new)")
    }
  }
}
