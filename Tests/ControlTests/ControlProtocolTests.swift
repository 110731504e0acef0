import Foundation
import Testing

@testable import BotHost

@Suite struct ControlProtocolTests {
  let place = SocketPlace()

  private func answers(to lines: [UInt8]) throws -> [String] {
    let server = try ControlServer(path: place.path, handler: TestHandler())
    try server.start()
    let client = try RawClient(path: place.path)
    client.send(lines)
    client.endWriting()
    let text = client.readAll()
    server.stop()
    return text.split(separator: "\n").map(String.init)
  }

  @Test func oneLineInOneLineOut() throws {
    let lines = try answers(
      to: Array(#"{"id":1,"op":"echo","args":{"a":1}}"#.utf8) + [10, 10, 32, 10]
        + Array("{\"op\":\"count\",\"args\":{\"to\":2},\"id\":7}\r\n".utf8))
    #expect(
      lines == [
        #"{"id":1,"ok":{"a":1}}"#, #"{"id":7,"item":0}"#, #"{"id":7,"item":1}"#, #"{"id":7,"ok":2}"#,
      ])
  }

  @Test(arguments: [
    "nonsense", "[1]", "{}", #"{"id":"x","op":"echo"}"#, #"{"id":1}"#, #"{"id":1,"op":""}"#, #"{"id":1,"op":5}"#,
    "{\"id\":1,\"op\":\"\(String(repeating: "x", count: 65))\"}", String(repeating: "[", count: 5000), "\u{0}",
    "\"\\ud800\"",
  ])
  func aBadLineIsAnErrorAndTheNextOneWorks(line: String) throws {
    let lines = try answers(to: Array("\(line)\n{\"id\":9,\"op\":\"echo\",\"args\":true}\n".utf8))
    try #require(lines.count == 2)
    let first = try JSONValue(parsing: lines[0])
    #expect(first["id"] == 0 && first["error"]?["code"] == "invalid")
    #expect(lines[1] == #"{"id":9,"ok":true}"#)
  }

  /// Mutated requests never stop the server, and what is well-formed after them is answered.
  @Test(arguments: 0..<8) func mutationsNeverStopTheServer(seed: Int) throws {
    let server = try ControlServer(path: place.path, handler: TestHandler())
    try server.start()
    var random = SeededBytes(seed: UInt64(seed))
    let whole = Array(#"{"id":1,"op":"echo","args":{"text":"é\u00e9","list":[1,2.5e3,null,true]}}"#.utf8)
    for _ in 0..<20 {
      let client = try RawClient(path: place.path)
      for _ in 0..<20 {
        var line = whole
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          switch Int.random(in: 0..<3, using: &random) {
          case 0: line[Int.random(in: 0..<line.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
          case 1: line.remove(at: Int.random(in: 0..<line.count, using: &random))
          default:
            line.insert(UInt8.random(in: 0...255, using: &random), at: Int.random(in: 0...line.count, using: &random))
          }
        }
        client.send(line + [10])
      }
      client.send("\n{\"id\":424242,\"op\":\"echo\",\"args\":\"still here\"}\n")
      client.endWriting()
      #expect(client.readAll().contains(#"{"id":424242,"ok":"still here"}"#))
    }
    server.stop()
  }

  @Test func anEndlessLineIsRefused() throws {
    let server = try ControlServer(path: place.path, handler: TestHandler())
    try server.start()
    let client = try RawClient(path: place.path)
    let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
    for _ in 0..<40 { client.send(piece) }
    client.endWriting()
    let text = client.readAll()
    #expect(text.isEmpty || text.contains("nospace"))
    _ = try ControlClient(path: place.path).request("echo")
    server.stop()
  }

  @Test func answersAreDecodedOrRefused() {
    func decode(_ text: String) -> String {
      Array(text.utf8).withUnsafeBytes { bytes in
        do throws(ControlError) {
          let (id, answer) = try ControlAnswer.decode(bytes)
          switch answer {
          case .item(let value): return "\(id) item \(value)"
          case .success(let value): return "\(id) ok \(value)"
          case .failure(let error): return "\(id) \(error.code) \(error.message)"
          }
        } catch {
          return "refused"
        }
      }
    }
    #expect(decode(#"{"id":1,"ok":null}"#) == "1 ok null")
    #expect(decode(#"{"id":2,"item":[1]}"#) == "2 item [1]")
    #expect(decode(#"{"id":3,"error":{"code":"busy","message":"m"}}"#) == "3 busy m")
    #expect(decode(#"{"id":3,"error":{"code":"of a later version","message":"m"}}"#) == "3 internal m")
    for text in ["", "[]", "{}", #"{"id":1}"#, #"{"id":1,"error":"x"}"#] { #expect(decode(text) == "refused") }
  }

  @Test func codesAreThoseOfTheHeader() {
    #expect(ControlError.Code(rc: -5) == .notfound && ControlError.Code.notfound.rc == -5)
    #expect(ControlError.Code(rc: -14) == .cycle && ControlError.Code.cycle.rc == -14)
    #expect(ControlError.Code(rc: -1) == .retry && ControlError.Code(rc: -13) == .conflict)
    #expect(ControlError.Code(rc: -99) == .internal && ControlError.Code(rc: 0) == .internal)
    for rc in Int32(-14)...(-1) { #expect(ControlError.Code(rc: rc).rc == rc) }
  }
}

/// SplitMix64.
struct SeededBytes: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
