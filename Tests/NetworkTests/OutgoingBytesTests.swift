import CBotHost
import Testing

@testable import BotHost

/// The queue of bytes before a socket.
struct OutgoingBytesTests {
  private func append(_ queue: OutgoingBytes, _ text: String) -> bh_rc {
    Array(text.utf8).withUnsafeBytes { queue.append($0) }
  }

  private func drain(_ queue: OutgoingBytes, atMost limit: Int = .max) -> String {
    var text = ""
    while text.utf8.count < limit {
      let more = queue.drain { bytes in
        let taken = bytes.prefix(limit - text.utf8.count)
        text += String(decoding: taken, as: UTF8.self)
        return taken.count
      }
      if !more { break }
    }
    return text
  }

  @Test func takesNothingWhileClosed() {
    let queue = OutgoingBytes(limit: 10)
    #expect(append(queue, "x") == BH_E_NOTFOUND)
    #expect(queue.reserve(1) == BH_E_NOTFOUND)
    queue.setOpen(true)
    #expect(append(queue, "x") == BH_OK)
    queue.setOpen(false)
    queue.setOpen(true)
    #expect(drain(queue) == "")
  }

  @Test func aCloseWaitsForWritesThatDeliveriesHaveStaged() {
    let queue = OutgoingBytes(limit: 10)
    queue.setOpen(true)
    #expect(!queue.leave())
    #expect(queue.stage() == BH_OK)
    #expect(queue.stage() == BH_OK)
    #expect(queue.leave())
    #expect(queue.stage() == BH_E_NOTFOUND)
    #expect(append(queue, "x") == BH_E_NOTFOUND)
    // What was staged before still comes in.
    #expect(queue.reserve(2) == BH_OK)
    queue.commit(Array("ab".utf8))
    #expect(!queue.settled())
    #expect(queue.settled())
    #expect(!queue.isLeaving)
    #expect(drain(queue) == "ab")
  }

  @Test func isBoundedAndTakesAllOrNothing() {
    let queue = OutgoingBytes(limit: 10)
    queue.setOpen(true)
    #expect(append(queue, "1234567") == BH_OK)
    #expect(append(queue, "1234") == BH_E_BUSY)
    #expect(queue.count == 7)
    #expect(append(queue, "890") == BH_OK)
    #expect(drain(queue, atMost: 4) == "1234")
    #expect(queue.count == 6)
    #expect(append(queue, "abcde") == BH_E_BUSY)
    #expect(append(queue, "abcd") == BH_OK)
    #expect(drain(queue) == "567890abcd")
    #expect(queue.count == 0)
    #expect(queue.total == 14)
  }

  @Test func aPromiseTakesRoomUntilItIsKeptOrGivenUp() {
    let queue = OutgoingBytes(limit: 10)
    queue.setOpen(true)
    #expect(queue.reserve(8) == BH_OK)
    #expect(append(queue, "123") == BH_E_BUSY)
    queue.abandon(8)
    #expect(append(queue, "123") == BH_OK)
    #expect(queue.reserve(7) == BH_OK)
    #expect(queue.reserve(1) == BH_E_BUSY)
    queue.commit(Array("4567890".utf8))
    #expect(drain(queue) == "1234567890")
  }

  @Test func aSealedQueueKeepsItsPromises() {
    let queue = OutgoingBytes(limit: 10)
    queue.setOpen(true)
    #expect(queue.reserve(2) == BH_OK)
    queue.seal()
    #expect(append(queue, "x") == BH_E_NOTFOUND)
    queue.commit(Array("ok".utf8))
    #expect(drain(queue) == "ok")
  }

  @Test func bytesThatWereNotTakenAreOfferedAgain() {
    let queue = OutgoingBytes(limit: 1 << 20)
    queue.setOpen(true)
    #expect(append(queue, "first") == BH_OK)
    var offered: [String] = []
    _ = queue.drain { bytes in
      offered.append(String(decoding: bytes, as: UTF8.self))
      return 0
    }
    // TLS insists on being given the same bytes again; what comes later waits.
    #expect(append(queue, "second") == BH_OK)
    _ = queue.drain { bytes in
      offered.append(String(decoding: bytes, as: UTF8.self))
      return bytes.count
    }
    #expect(offered == ["first", "first"])
    #expect(drain(queue) == "second")
  }

  @Test func orderIsKeptThroughAnyMixture() {
    var random = SplitMix(seed: 7)
    let queue = OutgoingBytes(limit: 4096)
    queue.setOpen(true)
    var written: [UInt8] = []
    var read: [UInt8] = []
    var next: UInt8 = 0
    for _ in 0..<5000 {
      if random.next() % 2 == 0 {
        let bytes = (0..<Int(random.next() % 300)).map { _ -> UInt8 in
          next &+= 1
          return next
        }
        if bytes.withUnsafeBytes({ queue.append($0) }) == BH_OK {
          written += bytes
        } else {
          next &-= UInt8(truncatingIfNeeded: bytes.count)
        }
      } else {
        let limit = Int(random.next() % 500)
        _ = queue.drain { bytes in
          let taken = bytes.prefix(limit)
          read += taken
          return taken.count
        }
      }
    }
    while queue.drain({ bytes in
      read += bytes
      return bytes.count
    }) {}
    #expect(read == written)
    #expect(!read.isEmpty)
  }
}

struct WipedBufferTests {
  @Test func bytesComeOutAsTheyWentIn() {
    var buffer = WipedBuffer()
    for part in ["a", "bc", String(repeating: "d", count: 3000)] {
      Array(part.utf8).withUnsafeBytes { buffer.append($0) }
    }
    buffer.remove(2)
    #expect(Array(buffer.bytes) == Array(("c" + String(repeating: "d", count: 3000)).utf8))
    buffer.remove(.max)
    #expect(buffer.count == 0)
  }

  @Test func whatIsTakenOutIsOverwritten() {
    var buffer = WipedBuffer()
    Array("oauth:secret".utf8).withUnsafeBytes { buffer.append($0) }
    let place = buffer.bytes
    buffer.remove(11)
    #expect(Array(place) == Array(repeating: 0, count: 11) + Array("t".utf8))
  }
}
