import BotPluginKit

/// The taco bot's handler of `chat.message`, written by hand with the kit: `{username, message}` of each message to the store, and
/// the message is settled when the store has it. For the measurement beside the bot itself.
final class TacoSwift: BotPlugin {
  struct Message: Decodable {
    var username: String
    var channel: String
    var message: String
  }

  struct Record: Encodable {
    struct Value: Encodable {
      var username: String
      var message: String
    }
    var key: String
    var value: Value
  }

  struct Nothing: Decodable {}

  static let table = PluginTable<TacoSwift>(name: "taco-swift", version: "1.0.0") {
    Handler("on_message", TacoSwift.onMessage)
  }

  private let host: Host

  init(configuration: NoConfiguration, host: Host) { self.host = host }

  func onMessage(_ event: borrowing Event) throws -> Outcome {
    let message = try event.decode(Message.self)
    let record = Record(key: message.channel, value: .init(username: message.username, message: message.message))
    let delivery = event.later()
    try host.call("store.publish", record, cause: event.token, returning: Nothing?.self) { result in
      switch result {
      case .success: try? delivery.ack()
      case .failure(let error): try? delivery.nack(error)
      }
    }
    return .done
  }
}

@c(bh_plugin_entry_v1) public func entry(_ minor: UInt32) -> UnsafeRawPointer? { TacoSwift.entry(minor) }
