import CBotHost

/// What the host tells a trial, as JSON on the child's standard input.
struct ProbeRequest {
  var path: String
  var source: String
  var isPlugin: Bool
  var exported: [String]
  var expectations: ImageExpectations
  var boundByName: [ImageExpectations.Function]
  var start: ImageProbe.Start?

  init(image: StagedImage, inspection: ImageInspection, expectations: ImageExpectations, start: ImageProbe.Start?) {
    path = image.path
    source = image.source
    isPlugin = inspection.kind == .plugin
    exported = inspection.exported.sorted()
    boundByName = inspection.boundByName
    self.expectations = expectations
    self.start = start
  }

  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("path", .string(path)), ("source", .string(source)), ("plugin", .string(expectations.plugin)),
      ("isPlugin", .bool(isPlugin)),
      ("version", expectations.version.map { .string($0) } ?? .null),
      ("exported", .array(exported.map { .string($0) })),
      ("bound", .array(boundByName.map { .array([.int(Int64($0.kind)), .string($0.name)]) })),
    ]
    if let start {
      members.append(
        (
          "start",
          .object(
            JSONObject([
              ("instance", .string(start.instance)), ("config", .string(start.config)),
              ("data", .string(start.dataDirectory)),
            ]))
        ))
    }
    return .object(JSONObject(members))
  }

  init?(_ json: JSONValue) {
    guard let path = json["path"]?.string, let source = json["source"]?.string, let plugin = json["plugin"]?.string,
      let isPlugin = json["isPlugin"]?.bool, let exported = json["exported"]?.array, let bound = json["bound"]?.array
    else { return nil }
    self.path = path
    self.source = source
    self.isPlugin = isPlugin
    self.exported = exported.compactMap(\.string)
    expectations = ImageExpectations(plugin: plugin, version: json["version"]?.string)
    boundByName = bound.compactMap { entry in
      guard let kind = entry[0]?.int, let name = entry[1]?.string else { return nil }
      return ImageExpectations.Function(name: name, kind: UInt32(clamping: kind))
    }
    start = json["start"].map {
      ImageProbe.Start(
        instance: $0["instance"]?.string ?? "", config: $0["config"]?.string ?? "{}",
        dataDirectory: $0["data"]?.string ?? "")
    }
  }
}

/// What a trial tells the host: JSON lines on a pipe. The child is not trusted: what is not understood is passed over.
enum ProbeMessage {
  static func step(_ name: String) -> JSONValue { .object(JSONObject([("step", .string(name))])) }

  static func refused(_ refusal: ImageRefusal, call: String) -> JSONValue {
    let kind =
      switch refusal.cause {
      case .wrongABI: "abi"
      case .wrongDescriptor: "descriptor"
      case .missingSymbol: "symbol"
      case .loaderRefused: "loader"
      default: "failed"
      }
    let symbol = if case .missingSymbol(let name) = refusal.cause { name } else { "" }
    return .object(
      JSONObject([
        (
          "refused",
          .object(
            JSONObject([
              ("kind", .string(kind)), ("call", .string(call)), ("symbol", .string(symbol)),
              ("message", .string(refusal.message)),
              ("advice", .string(refusal.advice)),
            ]))
        )
      ]))
  }

  static func refusal(_ json: JSONValue, library: String) -> ImageRefusal {
    let cause: ImageRefusal.Cause =
      switch json["kind"]?.string {
      case "abi": .wrongABI
      case "descriptor": .wrongDescriptor
      case "symbol": .missingSymbol(json["symbol"]?.string ?? "")
      case "loader": .loaderRefused
      default: .failed(call: json["call"]?.string ?? "")
      }
    return ImageRefusal(
      .probe, cause, library: library, json["message"]?.string ?? "failed its trial",
      advice: json["advice"]?.string ?? "")
  }

  static func reported(_ report: ImageProbe.Report) -> JSONValue {
    .object(
      JSONObject([
        (
          "report",
          .object(
            JSONObject([
              ("version", .string(report.version)), ("sdk", .string(report.sdk)),
              ("stateFormat", .string(report.stateFormat)),
              ("stateVersion", .int(Int64(report.stateVersion))), ("reentrant", .bool(report.isReentrant)),
              ("health", .string(report.health)), ("denied", .int(Int64(report.deniedCalls))),
            ]))
        )
      ]))
  }

  static func report(_ json: JSONValue) -> ImageProbe.Report {
    var report = ImageProbe.Report()
    report.version = json["version"]?.string ?? ""
    report.sdk = json["sdk"]?.string ?? ""
    report.stateFormat = json["stateFormat"]?.string ?? ""
    report.stateVersion = UInt32(clamping: json["stateVersion"]?.int ?? 0)
    report.isReentrant = json["reentrant"]?.bool ?? false
    report.health = json["health"]?.string ?? ""
    report.deniedCalls = Int(clamping: json["denied"]?.int ?? 0)
    return report
  }
}
