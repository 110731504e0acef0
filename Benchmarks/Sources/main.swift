import BotHost
import Foundation

// A host in this process tries new builds in a child, as the program does: see ImageProbe.
if CommandLine.arguments.dropFirst().first == ImageProbe.mode {
  exit(ImageProbe.childMain(Array(CommandLine.arguments.dropFirst(2))))
}

/// What can be measured, by name.
let measurements: [(name: String, run: (Report) throws -> Void)] = [
  ("dispatch", DispatchBenchmark.run),
  ("lane", LaneBenchmark.run),
  ("journal", JournalBenchmark.run),
  ("bot-handler", BotHandlerBenchmark.run),
  ("swap", SwapBenchmark.run),
  ("cold-start", ColdStartBenchmark.run),
  ("chat-to-kafka", ChatToKafkaBenchmark.run),
  ("kafka-consume", KafkaConsumeBenchmark.run),
  ("yetibot", YetibotBenchmark.run),
]

let wanted = CommandLine.arguments.dropFirst()
if let unknown = wanted.first(where: { name in !measurements.contains { $0.name == name } }) {
  print("benchmarks: there is no '\(unknown)'; there are: \(measurements.map(\.name).joined(separator: ", "))")
  exit(2)
}
let report = Report()
var isWhole = true
for measurement in measurements where wanted.isEmpty || wanted.contains(measurement.name) {
  do {
    try measurement.run(report)
  } catch {
    isWhole = false
    report.leaveOut(measurement.name, because: "\(error)")
  }
}
report.printTable()
exit(isWhole ? 0 : 1)
