// Writes to a journal without end and says on standard output what has been acknowledged, one line each, so that a test can kill
// it at any moment and compare. Arguments: the data directory, and how many threads write.
import BotHost
import Glibc
import Synchronization

let directory = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "."
let threads = CommandLine.arguments.count > 2 ? Int(CommandLine.arguments[2]) ?? 4 : 4

func say(_ text: String) {
  let bytes = Array((text + "\n").utf8)
  _ = write(1, bytes, bytes.count)
}

do {
  let journal = try Journal(directory: directory)
  let topic = try journal.topic("test.durable")
  let handler = try journal.consumer("writer/handler", of: topic)
  let store = try journal.store(of: "writer")
  let running = (0..<threads).compactMap { number in
    HostThread(name: "writer-\(number)") {
      var count = 0
      do throws(JournalError) {
        while true {
          let text = "thread \(number) event \(count)"
          let position = try Array(text.utf8).withUnsafeBytes { bytes in
            Result { () throws(JournalError) in
              try journal.append(topic, time: 0, consumers: [handler], record: bytes)
            }
          }.get()
          say("event \(position) \(text)")
          // One delivery: the state and the settlement come together.
          let transaction = JournalTransaction()
          let key = Array("key-\(number)".utf8)
          let value = Array("\(count) \(position)".utf8)
          let put = key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
              Result { () throws(JournalError) in try transaction.put(store, key: key, value: value) }
            }
          }
          try put.get()
          if count % 3 == 0 { transaction.settle(handler, position: position) }
          _ = try journal.commit(transaction)
          say("delivery \(number) \(count) \(position) \(count % 3 == 0 ? "settled" : "open")")
          count += 1
        }
      } catch {
        say("failed \(error)")
      }
    }
  }
  for thread in running { thread.join() }
} catch {
  say("failed \(error)")
  exit(1)
}
