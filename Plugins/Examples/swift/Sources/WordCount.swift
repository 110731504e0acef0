import BotPluginKit

/// Counts the words and messages of each channel, those of bots left out. What it has counted survives a swap.
///
///     swift build -c release --product WordCountSwift     # libWordCountSwift.so; the manifest is ../word-count.yaml
///     bothost call word-count.count '{"channel": "lobby"}' --control host.sock
///     bothost swap word-count --control host.sock         # after a change and another build
final class WordCount: BotPlugin {
  struct Count: Codable {
    var words = 0
    var messages = 0
  }

  struct Query: Decodable {
    var channel: String
  }

  static let table = PluginTable<WordCount>(name: "word-count", version: "1.0.0") {
    Handler("on_message", WordCount.onMessage)
    Method("count", WordCount.count)
    Hook("tell", WordCount.tell)
    HandOver(\.channels)
  }

  private var channels: [String: Count] = [:]

  init(configuration: NoConfiguration, host: Host) {}

  func onMessage(_ message: ChatMessage) -> Outcome {
    if message.author.bot { return .skip }
    channels[message.channel.name, default: Count()].messages += 1
    channels[message.channel.name, default: Count()].words +=
      message.message.text.split(whereSeparator: \.isWhitespace).count
    return .done
  }

  func count(_ query: Query) -> Count {
    channels[query.channel, default: Count()]
  }

  /// A command of a chat, as yetibot hands it to those that hook it.
  struct Command: Decodable {
    var args: String
    var channel: String?
  }

  /// The command's result. Without `handled` it would be passed on.
  struct Answer: Encodable {
    var handled = true
    var value: String
    var data: Count
  }

  func tell(_ command: Command) throws -> HookOutcome {
    let named = command.args.split(separator: " ").joined(separator: " ")
    guard let channel = named.isEmpty ? command.channel : named else { throw PluginError.invalid("name a channel") }
    let count = channels[channel, default: Count()]
    return .answer(Answer(value: "\(count.words) words in \(count.messages) messages", data: count))
  }
}

@c(bh_plugin_entry_v1) public func entry(_ minor: UInt32) -> UnsafeRawPointer? { WordCount.entry(minor) }
