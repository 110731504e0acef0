import CRDKafka
import Foundation

/// What librdkafka itself says about its settings.
enum LibrarySettings {
  /// Names, and for whom they are: `C`, `P` or `*`.
  static func read() throws -> [(name: String, role: String)] {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("settings-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    guard let file = fopen(path, "w") else { return [] }
    rd_kafka_conf_properties_show(file)
    fclose(file)
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count > 2, ["C", "P", "*"].contains(cells[1]) else { return nil }
      return (cells[0], cells[1])
    }
  }
}
