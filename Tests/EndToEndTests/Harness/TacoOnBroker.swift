/// The taco bot in the channel `kitchen` of a simulated Twitch, with a real broker of its own.
struct TacoOnBroker {
  let simulator: Simulator
  let broker: RealBroker
  let host: Host

  /// Returns when the bot has asked to be in the channel.
  init() throws {
    simulator = try Simulator()
    broker = try RealBroker()
    for topic in ["taco_bell", "bot_messages"] { try broker.createTopic(topic) }
    host = try Host(
      bots: [Build.bots + "/taco.yaml"],
      environment: simulator.environment(channels: ["kitchen"]).merging(["KAFKA_BROKERS": broker.addresses]) { $1 })
    try simulator.expect(1, "JOIN")
  }
}
