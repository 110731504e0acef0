import Testing

@testable import BotHost

@Suite struct SignatureTests {
  @Test(arguments: [
    "cstring(cstring,cstring)", "i32(self,str,i64,event)", "void()", "f64(f64,f32)", "bool(bool,u8)",
    "void(self,host,event,delivery,json,bytes,ptr)", "void(callback(cstring,i32,ptr),ptr)",
    "i32(callback(str,bytes)->i32)", "u64(u64)",
  ])
  func normalFormReadsBack(text: String) throws {
    let signature = try Signature(parsing: text)
    #expect(signature.description == text)
    #expect(try Signature(parsing: " " + text.map { "\($0)" == "," ? " , " : "\($0)" }.joined() + " ") == signature)
  }

  @Test(arguments: [
    ("", "a result type is expected", 0), ("i32", "'(' is expected", 3), ("i32(", "a parameter type is expected", 4),
    ("i32(i32", "')' is missing", 7), ("i32(i32,)", "a parameter type is expected", 8),
    ("i32(i33)", "'i33' is no parameter type; did you mean 'i32'?", 4), ("i32() x", "nothing may follow", 6),
    ("str(i32)", "'str' is a pointer and a length", 0), ("int(i32)", "'int' is no result type", 0),
    ("i32(void)", "empty parentheses", 4), ("i32(callback)", "'(' is expected", 12),
    ("i32(callback(self))", "'self' is no type of a callback's parameter", 13),
    ("i32(callback(callback()))", "no type of a callback's parameter", 13), ("i32(i32;i32)", "',' is expected", 7),
    ("i32(str,str,str,str,str,str,str)", "14 C arguments, the limit is 12", 0),
  ])
  func refused(text: String, message: String, offset: Int) throws {
    let problem = #expect(throws: Signature.Problem.self) { try Signature(parsing: text) }
    let found = try #require(problem)
    #expect(found.message.contains(message), "\(found.message)")
    #expect(found.offset == offset)
  }

  @Test func countsAndShapes() throws {
    #expect(try Signature(parsing: "void(str,i32,bytes)").argumentCount == 5)
    #expect(try Signature(parsing: "i32(self,event)").isStandardHandler)
    #expect(try !Signature(parsing: "i64(self,event)").isStandardHandler)
    #expect(try Signature(parsing: "void(callback(i32,ptr,cstring))").hasCallback)
  }

  /// Any text is either refused with a place in it, or has a normal form that means the same.
  @Test func mutations() {
    var generator = SeededGenerator(state: 11)
    let alphabet = Array("i32(cstring,callback)->u8 vod\u{0}é")
    for _ in 0..<5_000 {
      var text = Array("i32(self,callback(cstring)->i32,f64)")
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<text.count, using: &generator)
        text[index] = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
      }
      do {
        let signature = try Signature(parsing: String(text))
        #expect(try Signature(parsing: signature.description) == signature)
      } catch {
        #expect(error.offset >= 0 && error.offset <= text.count)
      }
    }
  }
}
