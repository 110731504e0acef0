import BotPluginKit
import HTTPClient
import YetibotEngine
import YetibotServices

/// Commands of the pipeline that need the network or other programs. It hooks `yetibot.command` as any third party's plugin does; what a command means is
/// decided by ``Pack``, and done here.
final class YetibotPackPlugin: BotPlugin {
  static let table = PluginTable<YetibotPackPlugin>(name: "yetibot-pack", version: "1.0.0") {
    Hook("on_command", YetibotPackPlugin.onCommand)
  }

  private let host: Host
  private let settings: Settings
  private let pack: Pack
  private let orders: OrderDesk
  private let runner: ProgramRunner?

  init(configuration: Settings, host: Host) throws {
    self.host = host
    settings = configuration
    pack = try configuration.pack()
    orders = try OrderDesk(host: host, settings: configuration)
    runner =
      configuration.sshServers.isEmpty && configuration.programs.isEmpty
      ? nil : ProgramRunner(maximumOutput: configuration.programOutput)
  }

  func activate() throws {
    try orders.open()
    try runner?.start(host)
  }

  func resume() throws { try runner?.start(host) }

  /// What is under way goes on: it settles by itself, within the time of its command.
  func quiesce(deadline: Int64) throws { runner?.stop() }

  /// What is still under way is given up, and the client's thread has ended when this returns.
  deinit {
    runner?.stop()
    orders.close()
  }

  func onCommand(_ call: borrowing Call) throws -> HookOutcome {
    let request = try call.decode(CommandRequest.self)
    let plan = pack.plan(for: request, random: .random(in: 0...UInt64.max), milliseconds: host.unixTime / 1_000_000)
    switch plan {
    case .pass: return .pass
    case .answer(let outcome): return .answer(CommandAnswer(outcome))
    case .run(let run):
      // A little of the time is kept back, so that the answer is there before the caller gives up.
      let left = OrderDesk.left(until: call.deadline, host) ?? settings.timeout
      let answer = CommandReply(call.later())
      guard let runner, runner.push(run, nanoseconds: left, answer) else {
        answer.send(.failure("too many programs run; try again later"))
        return .handled
      }
      return .handled
    case .fetch, .send, .readMail:
      let deadline = call.deadline
      orders.take(plan, until: deadline, CommandReply(call.later()))
      return .handled
    }
  }
}

/// The answer to a command, once.
final class CommandReply: Sendable {
  private let call: PendingCall

  init(_ call: PendingCall) { self.call = call }

  /// One that comes too late is dropped: whoever asked has been told so.
  func send(_ outcome: YetibotEngine.Outcome) { try? call.reply(CommandAnswer(outcome)) }
}

@c(bh_plugin_entry_v1) public func entry(_ minor: UInt32) -> UnsafeRawPointer? { YetibotPackPlugin.entry(minor) }
