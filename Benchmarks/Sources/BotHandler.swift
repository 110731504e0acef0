import BotHost
import Foundation

/// What an event costs in the taco bot's handler of messages: interpreted, emitted as C, and written by hand in C and in Swift. Each from
/// the publishing to the settled delivery, with the call of the store between; so all have that in common.
enum BotHandlerBenchmark {
  private static let count = 200_000

  private static let bot = """
    bothost: 1
    kind: bot
    name: taco
    use:
      config: {type: Settings}
      chat: {type: Chat}
      log: {type: Store}
      stdout: StdOut
    when:
      - event: chat.message
        name: Store
        do:
          - json: {username: "${event.username}", message: "${event.message}"}
            as: line
          - log.publish: {key: "${event.channel}", value: "${line}"}
      - event: chat.message
        name: Log
        do:
          - expect: {value: "${config.log_level}", equals: debug}
          - stdout.write: ${event.raw}
    ---
    bothost: 1
    kind: config
    name: Settings
    get:
      log_level: {type: string, default: info}

    """

  static func run(_ report: Report) throws {
    let directory = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let plugins = directory + "/plugins"
    try FileManager.default.createDirectory(atPath: plugins, withIntermediateDirectories: true)
    for name in ["crowd", "store"] { try Peer.plugin(name, in: plugins) }
    let file = directory + "/taco.yaml"
    try Data(bot.utf8).write(to: URL(fileURLWithPath: file))

    let byHand = try measure(directory, "c", chat: "crowd", store: "store") { options, own in
      try Peer.plugin("taco-c", in: own)
    }
    let swift = try measure(directory, "swift", chat: "crowd", store: "store") { options, own in
      let manager = FileManager.default
      try manager.copyItem(atPath: Place.sources + "/Plugins/taco-swift.yaml", toPath: own + "/taco-swift.yaml")
      try manager.copyItem(atPath: Place.root + "/.build/release/libTacoSwift.so", toPath: own + "/libTacoSwift.so")
    }
    let interpreted = try measure(directory, "interpreted", chat: "taco.chat", store: "taco.log") { options, own in
      options.bots = [file]
    }
    let emitted = try measure(directory, "emitted", chat: "taco.chat", store: "taco.log") { options, own in
      let job = BotCompileJob(files: [file], pluginDirectories: [plugins], target: .c, cache: nil)
      guard let build = job.builds.first else { throw ChildProgram.Failure(description: "the bot does not compile") }
      try Peer.plugin(named: build.program.name, source: CProgram(build).source, in: own)
      let beside = CManifest(build.program)
      try Data(beside.manifest.utf8).write(to: URL(fileURLWithPath: own + "/taco.yaml"))
      try Data(beside.host.utf8).write(to: URL(fileURLWithPath: directory + "/taco.host.yaml"))
      options.configurationFile = directory + "/taco.host.yaml"
    }
    let what = "the taco bot's handler, an event, CPU of the whole host"
    for (name, time) in [("interpreted", interpreted), ("emitted as C", emitted), ("by hand in Swift", swift)] {
      report.add(Row(what: "\(what): \(name)", host: time, unit: "ns", peer: ("by hand in C", byHand)))
    }
  }

  /// Nanoseconds of processor time an event; the best of three.
  private static func measure(
    _ directory: String, _ name: String, chat: String, store: String,
    _ prepare: (inout HostOptions, String) throws -> Void
  ) throws -> Double {
    let own = "\(directory)/\(name)"
    try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
    var options = HostOptions(dataDirectory: own + "/data", environment: [:])
    options.pluginDirectories = [directory + "/plugins", own]
    try prepare(&options, own)
    let host = BotHost.Host(options, log: HostLog.standardError(threshold: .error, json: false))
    try host.start()
    defer { host.stop() }
    var best = Double.infinity
    var expected = 0
    for round in 0..<4 {
      // The first round warms up.
      let events = round == 0 ? count / 10 : count
      expected += events
      let began = processTime()
      _ = try host.call("\(chat).run", .object(["count": .int(Int64(events))]))
      var taken = try host.call("\(store).count", .null)
      for _ in 0..<6_000 where taken["taken"]?.int != Int64(expected) {
        usleep(5_000)
        taken = try host.call("\(store).count", .null)
      }
      guard taken["taken"]?.int == Int64(expected), taken["wrong"]?.int == 0 else {
        throw ChildProgram.Failure(description: "\(name): \(taken) instead of \(expected) records")
      }
      if round > 0 { best = min(best, (processTime() - began) / Double(events)) }
    }
    return best
  }

  /// Of all threads of the process, nanoseconds.
  private static func processTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }
}
