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
}

@c(bh_plugin_entry_v1) public func entry(_ minor: UInt32) -> UnsafeRawPointer? { WordCount.entry(minor) }
