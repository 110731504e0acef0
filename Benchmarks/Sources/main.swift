import Foundation

/// What can be measured, by name.
let measurements: [(name: String, run: () throws -> Void)] = [
  ("dispatch", DispatchBenchmark.run),
  ("lane", LaneBenchmark.run),
  ("journal", JournalBenchmark.run),
  ("chat-to-kafka", chatToKafkaBenchmark),
  ("yetibot", YetibotBenchmark.run),
  ("cold-start", coldStartBenchmark),
]

let wanted = CommandLine.arguments.dropFirst()
if let unknown = wanted.first(where: { name in !measurements.contains { $0.name == name } }) {
  print("benchmarks: there is no '\(unknown)'; there are: \(measurements.map(\.name).joined(separator: ", "))")
  exit(2)
}
for measurement in measurements where wanted.isEmpty || wanted.contains(measurement.name) {
  do {
    try measurement.run()
  } catch {
    print("benchmarks: \(measurement.name): \(error)")
    exit(1)
  }
}
