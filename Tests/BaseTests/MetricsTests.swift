import BotHost
import Testing

@Suite struct MetricsTests {
  @Test func kindsRecordAsTheyShould() throws {
    let metrics = Metrics()
    let counter = metrics.make(.counter, "events", help: "events")
    counter.record(5)
    counter.add()
    counter.record(-3)
    #expect(counter.value == 6)
    let gauge = metrics.make(.gauge, "depth", help: "depth")
    gauge.record(5)
    gauge.add(-7)
    #expect(gauge.value == -2)
    let histogram = metrics.make(.histogram, "size", help: "size")
    for value: Int64 in [-1, 0, 1, 2, 3, 4, 5, 1000, 1024, 1025, .max] { histogram.record(value) }
    let counts = histogram.distribution.counts
    #expect(counts[0] == 3 && counts[1] == 1 && counts[2] == 2 && counts[3] == 1)
    #expect(counts[10] == 2 && counts[11] == 1 && counts[63] == 1)
    #expect(histogram.distribution.count == 11)
  }

  @Test func quantilesAreUpperBounds() {
    let histogram = Metrics().make(.histogram, "h", help: "")
    #expect(histogram.distribution.quantile(0.5) == 0)
    for value in Int64(1)...1000 { histogram.record(value) }
    #expect(histogram.distribution.quantile(0) == 1)
    #expect(histogram.distribution.quantile(0.5) == 512)
    #expect(histogram.distribution.quantile(0.99) == 1024)
    #expect(histogram.distribution.sum == 500_500)
  }

  @Test func tokensRecordWithoutALookUp() throws {
    let metrics = Metrics()
    let identity = Metric.Identity(name: "lines", owner: "twitch")
    let metric = try metrics.define(.counter, identity, help: "lines").get()
    let token = metrics.token(of: metric)
    #expect(token != 0)
    metrics.record(token, 2)
    metrics.record(0, 2)
    metrics.record(token + 1, 2)
    metrics.record(.max, 2)
    #expect(metric.value == 2)
    #expect(try metrics.define(.counter, identity, help: "again").get() === metric)
    #expect(metrics.token(of: Metrics().make(.counter, "other", help: "")) == 0)
  }

  @Test func namesAndNumbersAreBounded() throws {
    let metrics = Metrics()
    for name in ["", "A", "9x", "a-b", "é", String(repeating: "a", count: 65)] {
      #expect(throws: Metrics.Refusal.self) { try metrics.define(.counter, .init(name: name), help: "").get() }
    }
    #expect(throws: Metrics.Refusal.self) {
      _ = try metrics.define(.counter, .init(name: "x", owner: "p"), help: "").get()
      _ = try metrics.define(.gauge, .init(name: "x", owner: "p"), help: "").get()
    }
    for number in 1..<Metrics.maxPerOwner {
      _ = try metrics.define(.counter, .init(name: "n\(number)", owner: "p"), help: "").get()
    }
    #expect(throws: Metrics.Refusal.self) {
      try metrics.define(.counter, .init(name: "toomany", owner: "p"), help: "").get()
    }
    _ = try metrics.define(.counter, .init(name: "mine", owner: "q"), help: "").get()
  }

  @Test func manyThreadsCountTogether() throws {
    let counter = Metrics().make(.counter, "c", help: "")
    let histogram = Metrics().make(.histogram, "h", help: "")
    let threads = (0..<4).map { _ in
      HostThread(name: "count") {
        for value in 0..<10_000 {
          counter.add()
          histogram.record(Int64(value))
        }
      }
    }
    for thread in threads { try #require(thread).join() }
    #expect(counter.value == 40_000)
    #expect(histogram.distribution.count == 40_000)
  }

  @Test func prometheusText() throws {
    let metrics = Metrics()
    let lines = try metrics.define(
      .counter, .init(name: "lines", owner: "twitch", labels: [.init("channel", "#a\"\\\n")]),
      help: "Lines\\ read\nmore"
    )
    .get()
    lines.record(3)
    try metrics.define(.counter, .init(name: "lines", owner: "other"), help: "Lines").get().record(1)
    let latency = metrics.make(.histogram, "latency_ns", help: "Latency")
    for value: Int64 in [1, 2, 3, 100] { latency.record(value) }
    metrics.observe("depth", labels: [.init("lane", "x")], help: "Depth") { 7 }
    // One name, two types: each gets a family of its own.
    _ = try metrics.define(.gauge, .init(name: "z", owner: "a"), help: "A").get()
    try metrics.define(.histogram, .init(name: "z", owner: "b"), help: "B").get().record(1)
    #expect(
      PrometheusText.render(metrics.snapshot()) == """
        # HELP bothost_depth Depth
        # TYPE bothost_depth gauge
        bothost_depth{lane="x"} 7
        # HELP bothost_latency_ns Latency
        # TYPE bothost_latency_ns histogram
        bothost_latency_ns_bucket{le="1"} 1
        bothost_latency_ns_bucket{le="2"} 2
        bothost_latency_ns_bucket{le="4"} 3
        bothost_latency_ns_bucket{le="8"} 3
        bothost_latency_ns_bucket{le="16"} 3
        bothost_latency_ns_bucket{le="32"} 3
        bothost_latency_ns_bucket{le="64"} 3
        bothost_latency_ns_bucket{le="128"} 4
        bothost_latency_ns_bucket{le="+Inf"} 4
        bothost_latency_ns_sum 106
        bothost_latency_ns_count 4
        # HELP bothost_lines_total Lines
        # TYPE bothost_lines_total counter
        bothost_lines_total{instance="other"} 1
        bothost_lines_total{instance="twitch",channel="#a\\"\\\\\\n"} 3
        # HELP bothost_z A
        # TYPE bothost_z gauge
        bothost_z{instance="a"} 0
        # HELP bothost_z_histogram B
        # TYPE bothost_z_histogram histogram
        bothost_z_histogram_bucket{instance="b",le="1"} 1
        bothost_z_histogram_bucket{instance="b",le="+Inf"} 1
        bothost_z_histogram_sum{instance="b"} 1
        bothost_z_histogram_count{instance="b"} 1

        """)
  }
}
