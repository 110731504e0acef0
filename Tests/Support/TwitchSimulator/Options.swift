/// A fault that ends the program, in words.
struct Failure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// What the command line asks for.
struct Options {
  static let usage = """
    Usage: twitch-simulator [--demo [CHANNEL]] [--token TOKEN] [--lifetime SECONDS] [--ping SECONDS] [--no-stdin]

    A Twitch chat server on 127.0.0.1. Prints one line of JSON at the start: the ports (tls, plain, control) and the file
    of the certificate authority to trust (ca). Ends with its standard input, at `quit`, or after its lifetime (600 s).

      --demo [CHANNEL]    friendly chatter, about a line a second, in CHANNEL (taco) and wherever a client joins
      --show              what is said, on standard error, as people read it
      --token TOKEN       the only token that may log in; without it any will do
      --lifetime SECONDS  end after so long; 0 is never
      --ping SECONDS      send PING so often (300), and cut a client that does not answer within 10 s
      --no-stdin          do not read orders from standard input, nor end with it

    Logins, joins and ends of connections are told on standard output: {"event":"joined","client":1,…}.
    Orders, one a line, from standard input or the control port; each is answered there with one line of JSON:
      say CHANNEL USER TEXT      a message of another user
      flood CHANNEL COUNT [RATE [FIRST]]
                                 numbered messages, RATE a second, or (0) as fast as they are read; from number FIRST (1)
      flooded                    answers when all floods have been written
      raw LINE                   any line, to all clients
      notice ID [CHANNEL]        the next message is answered with this NOTICE; with CHANNEL it is sent now
      rank CHANNEL RANK          what clients are there: normal, vip, moderator, broadcaster
      suspend CHANNEL            a JOIN there is refused;  unknown CHANNEL: is not answered
      reconnect [MS]             RECONNECT to all, who are cut so much later (3000)
      cut                        close all connections;  cut-after N: each after N more lines, which it gets
      silent [off]               answer nothing;  slow [MS]: answer late (500; 0 is off)
      split [off]                write lines in odd pieces
      badlogin [off]             refuse all logins;  limits [off]: enforce the limits (they are)
      expect COUNT [MS] [PREFIX] answers when COUNT lines that begin with PREFIX have come, or after MS (5000)
      transcript                 all lines received, with their time;  violations;  status;  clear
      quit
    """

  var demo: String?
  var shows = false
  var token: String?
  var lifetime: Int64 = 600
  var ping: Int64 = 300
  var readsInput = true
  var showsHelp = false

  init(_ arguments: [String]) throws {
    var index = 0
    func value(_ name: String) throws -> String {
      index += 1
      guard index < arguments.count else { throw Failure("\(name) needs a value") }
      return arguments[index]
    }
    func seconds(_ name: String) throws -> Int64 {
      let text = try value(name)
      guard let number = Int64(text), (0...1_000_000).contains(number) else {
        throw Failure("\(name): “\(text)” is no number of seconds")
      }
      return number
    }
    while index < arguments.count {
      switch arguments[index] {
      case "--demo":
        if index + 1 < arguments.count, !arguments[index + 1].hasPrefix("-") {
          demo = try value("--demo")
        } else {
          demo = "taco"
        }
      case "--show": shows = true
      case "--token": token = try value("--token")
      case "--lifetime": lifetime = try seconds("--lifetime")
      case "--ping": ping = try seconds("--ping")
      case "--no-stdin": readsInput = false
      case "--help", "-h": showsHelp = true
      case let other: throw Failure("unknown option “\(other)”; see --help")
      }
      index += 1
    }
  }
}
