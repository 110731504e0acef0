import Testing

@testable import KafkaLog

@Suite struct ConnectionStateTests {
  @Test func saysEachChangeOnce() {
    var state = ConnectionState(address: "h:1", now: 10)
    #expect(state.line == "connecting to the broker at h:1")
    let refused = state.fault(.transport, "Connection refused", anyBrokerUp: false, now: 20)
    #expect(refused)
    #expect(state.line == "waiting for the broker at h:1: Connection refused")
    #expect(state.since == 20)
    for now in 21..<30 {
      let again = state.fault(.allBrokersDown, "1/1 brokers are down", anyBrokerUp: false, now: Int64(now))
      #expect(!again)
    }
    #expect(state.since == 20)
    let up = state.up(now: 30)
    #expect(up)
    #expect(state.isConnected)
    let still = state.up(now: 31)
    #expect(!still)
  }

  @Test func oneBrokerOfSeveralMayGo() {
    var state = ConnectionState(address: "h:1,h:2", now: 0)
    _ = state.up(now: 1)
    let news = state.fault(.transport, "h:2 is gone", anyBrokerUp: true, now: 2)
    #expect(!news)
    #expect(state.isConnected)
  }

  @Test func aRefusalIsNotHiddenByTheErrorsThatFollowIt() {
    var state = ConnectionState(address: "h:1", now: 0)
    let refused = state.fault(.authentication, "SASL authentication error", anyBrokerUp: false, now: 1)
    #expect(refused)
    let down = state.fault(.allBrokersDown, "down", anyBrokerUp: false, now: 2)
    #expect(!down)
    #expect(state.line.contains("refuses the connection: SASL authentication error"))
  }

  @Test func silenceIsSaid() {
    var state = ConnectionState(address: "h:1", now: 0)
    let first = state.silence(now: 5000)
    #expect(first)
    let second = state.silence(now: 6000)
    #expect(!second)
    #expect(state.word == "waiting")
  }

  @Test func statisticsTellWhetherABrokerIsUp() {
    let up =
      "{\"name\": \"p\", \"brokers\": {\"a\": {\"state\": \"INIT\", \"x\": {\"y\": 1}}, \"b\": {\"state\": \"UP\"}}, \"z\": 1}"
    #expect(withBytes(up) { BrokerStatistics.anyBrokerUp($0) } == true)
    #expect(withBytes("{\"brokers\": {\"a\": {\"state\": \"DOWN\"}}}") { BrokerStatistics.anyBrokerUp($0) } == false)
    #expect(withBytes("{\"brokers\": {}}") { BrokerStatistics.anyBrokerUp($0) } == false)
    #expect(withBytes("{}") { BrokerStatistics.anyBrokerUp($0) } == nil)
    #expect(withBytes("{\"brokers\": {\"a\": ") { BrokerStatistics.anyBrokerUp($0) } == nil)
  }

  @Test func errorsAreTreatedByKind() {
    #expect(KafkaErrorCode.partitionEnd.treatment == .ignore)
    #expect(KafkaErrorCode.allBrokersDown.treatment == .connection)
    #expect(KafkaErrorCode.transport.treatment == .connection)
    #expect(KafkaErrorCode.unknownTopicOrPartition.treatment == .reportOnce)
    #expect(KafkaErrorCode.topicAuthorizationFailed.treatment == .refused)
    #expect(KafkaErrorCode.fatal.treatment == .fatal)
    #expect(KafkaErrorCode.pollExceeded.treatment == .ownFault)
    #expect(KafkaErrorCode(rawValue: 77).treatment == .report)
    #expect(!KafkaErrorCode.messageTooLarge.isWorthRetrying)
    #expect(KafkaErrorCode.messageTimedOut.isWorthRetrying)
  }
}

@Suite struct EmbeddedLogTests {
  @Test func offsetsGrowByOneForEachTopic() {
    var log = EmbeddedLog(block: 3)
    log.restore("a", end: 0)
    log.restore("b", end: 10)
    let offsets = (0..<4).map { _ in log.next("a").offset }
    #expect(offsets == [0, 1, 2, 3])
    let other = log.next("b").offset
    #expect(other == 10)
  }

  @Test func noOffsetIsGivenTwiceOverACrash() {
    var kept: Int64 = 0
    var given: Set<Int64> = []
    for life in 0..<20 {
      var log = EmbeddedLog(block: 5)
      log.restore("a", end: kept)
      for _ in 0..<life {
        let (offset, reservation) = log.next("a")
        if let reservation { kept = reservation.end }
        #expect(offset < kept)
        #expect(given.insert(offset).inserted)
      }
    }
  }

  @Test func anOrderlyEndLeavesNoGap() {
    var log = EmbeddedLog(block: 100)
    log.restore("a", end: 0)
    for _ in 0..<7 { _ = log.next("a") }
    let kept = log.settle()
    #expect(kept == [EmbeddedLog.Reservation(topic: "a", end: 7)])
    let nothing = log.settle()
    #expect(nothing.isEmpty)
    // It may go on afterwards, when the end was called off.
    let next = log.next("a")
    #expect(next.offset == 7)
    #expect(next.reservation?.end == 107)
  }
}

@Suite struct RecentIdentifiersTests {
  @Test func remembersTheLastOnes() {
    var recent = RecentIdentifiers(limit: 3)
    for name in ["a", "b", "c", "b", "d"] { recent.insert(name) }
    #expect(!recent.contains("a"))
    #expect(["b", "c", "d"].allSatisfy(recent.contains))
    recent.insert("e")
    #expect(!recent.contains("b"))
  }
}

@Suite struct NamesTests {
  @Test func kafkaTopicNames() {
    for name in ["a", "A.b_c-9", String(repeating: "x", count: 249)] { #expect(TopicName.fault(in: name) == nil) }
    for name in ["", ".", "..", "a b", "é", "a/b", String(repeating: "x", count: 250)] {
      #expect(TopicName.fault(in: name) != nil, "\(name)")
    }
    #expect(TopicName.made(from: "a b") == "a_b")
    #expect(TopicName.fault(in: TopicName.made(from: "")) == nil)
  }

  @Test func brokerAddresses() {
    for list in ["a", "a:1", "a:9092, b:9093", "[::1]:9092", "PLAINTEXT://a:1"] {
      #expect(BrokerAddress.fault(in: list) == nil, "\(list)")
    }
    for list in ["a:", "a:x", "a:0", "a:70000", "a:1,,b:2", "[::1]:x"] {
      #expect(BrokerAddress.fault(in: list) != nil, "\(list)")
    }
  }
}
