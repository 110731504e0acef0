import Foundation

/// The programs to measure beside: small sources in Benchmarks/Peers, built or interpreted here.
enum Peer {
  /// A program for a C source, or why there is none.
  static func compiled(_ name: String, libraries: [String] = []) throws -> String {
    let folder = NSTemporaryDirectory() + "bothost-peers"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let program = "\(folder)/\(name)"
    try compile(
      ["-O2", "\(Place.sources)/Peers/\(name).c", "-o", program, "-lpthread"] + libraries.map { "-l\($0)" }, name: name)
    return program
  }

  /// A plugin of Benchmarks/Plugins with its manifest, in a directory.
  static func plugin(_ name: String, in directory: String, flags: [String] = []) throws {
    let source = "\(Place.sources)/Plugins/\(name)"
    try compile(
      [
        "-std=c11", "-O2", "-shared", "-fPIC", "-I", "Sources/CBotHost/include", "\(source).c", "-o",
        "\(directory)/lib\(name).so",
      ] + flags, name: name)
    try FileManager.default.copyItem(atPath: "\(source).yaml", toPath: "\(directory)/\(name).yaml")
  }

  /// A plugin of a source that was made just now.
  static func plugin(named name: String, source: String, in directory: String) throws {
    let file = "\(directory)/\(name).c"
    try Data(source.utf8).write(to: URL(fileURLWithPath: file))
    try compile(
      [
        "-std=c99", "-O2", "-shared", "-fPIC", "-I", "Sources/CBotHost/include", file, "-o",
        "\(directory)/lib\(name).so",
      ], name: name)
  }

  private static func compile(_ arguments: [String], name: String) throws {
    guard let compiler = Place.tool("cc") else { throw ChildProgram.Failure(description: "there is no C compiler") }
    let process = Process()
    let errors = Pipe()
    process.executableURL = URL(fileURLWithPath: compiler)
    process.arguments = arguments
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let first = text.split(separator: "\n").first { $0.contains("error") || $0.contains("cannot find") }
      throw ChildProgram.Failure(description: "\(name) cannot be built: \(first ?? "cc failed")")
    }
  }

  /// What a program prints as its only number.
  static func number(_ program: String, _ arguments: [String]) throws -> Double {
    let process = Process()
    let (output, errors) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0, let value = Double(text.trimmingCharacters(in: .whitespacesAndNewlines))
    else {
      let last = said.split(separator: "\n").last.map(String.init)
      throw ChildProgram.Failure(description: last ?? "\(program) ended with \(process.terminationStatus)")
    }
    return value
  }
}
