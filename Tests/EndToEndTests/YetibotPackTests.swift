import Foundation
import Testing

/// Commands that need the network, through the whole host: the pipeline, the pack that hooks it, and servers.
@Suite(.serialized)
struct YetibotPackTests {
  private func configuration(_ server: WebSimulator, _ directory: TemporaryDirectory, pack: String = "") throws
    -> String
  {
    try directory.file(
      "host.yaml",
      """
      bothost: 1
      kind: host
      plugins:
        yetibot: {config: {soft_timeout: 0s}}
        yetibot-pack:
          config:
            allow: ["*:80", "127.0.0.1:\(server.http)", "localhost:\(server.http)"]
            private: ["127.0.0.1:\(server.http)"]
            addresses: {rhyme: "\(server.base)", giphy: "\(server.base)"}
            services:
              menu:
                address: "\(server.base)"
                url: "{{base}}/menu?day={{match.1}}"
                match: "^(\\\\w+)$"
                pick: $.dishes
                failed: $.error
                item: "{{name}}, {{price}}"
                secret: {header: X-Menu-Key}
      \(pack.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n"))

      """)
  }

  private func evaluate(
    _ expression: String, _ configuration: String, _ environment: [String: String] = [:]
  ) throws -> (status: Int32, output: [String], error: String) {
    let (status, output, error) = try RunningProgram.run(
      Build.bothost, ["yetibot", "eval", expression, "--plugins", Build.plugins, "--config", configuration],
      environment: environment)
    return (status, output, error.joined(separator: "\n"))
  }

  @Test("what is at an address goes through a pipe, on the command line", .timeLimit(.minutes(20)))
  func commandLine() throws {
    let server = try WebSimulator()
    let directory = try TemporaryDirectory()
    let file = try configuration(server, directory)
    func value(_ expression: String) throws -> [String] {
      let result = try evaluate(expression, file)
      #expect(result.status == 0, "\(expression): \(result.error)")
      return result.output
    }
    #expect(try value("json \(server.base)/items | json path $.items[1].name | upper") == ["GREEN"])
    #expect(try value("csv \(server.base)/csv | render {{name}} is {{age}}") == ["Ann, A. is 30", "Bob is 40"])
    #expect(try value("curl -I \(server.base)/echo | head") == ["200"])
    try server.set("/page", "<ul><li>Taco</li><li>Soup</li></ul>")
    #expect(try value("scrape \(server.base)/page li | join +") == ["Taco+Soup"])
    // The engine's own commands of these names are as they were.
    #expect(try value("json parse [1,2,3] | count") == ["3"])

    func failure(_ expression: String) throws -> String {
      let result = try evaluate(expression, file)
      #expect(result.status != 0 && result.output.isEmpty, "\(expression): \(result.output)")
      return result.error
    }
    #expect(try failure("json http://localhost:\(server.http)/items").contains("is not a public address"))
    #expect(try failure("json http://127.0.0.1:1/").contains("may not be asked"))
    #expect(try failure("json http://169.254.169.254/latest").contains("is not a public address"))
    #expect(try failure("json \(server.base)/endless").contains("more than 1048576 bytes"))
    #expect(try failure("json \(server.base)/silent").contains("did not answer within"))
    #expect(try failure("json \(server.base)/deep?n=500").contains("more than 64 levels"))
    #expect(try failure("json \(server.base)/cut").contains("in the middle"))
    #expect(try failure("json \(server.base)/loop").contains("redirects"))
    #expect(try failure("csv \(server.base)/status?n=429&header=Retry-After:%2060").contains("asked again in 60 s"))
    #expect(try value("json \(server.base)/invalid-utf8 | length").count == 1)
    #expect(try value("json \(server.base)/deep?n=64 | count") == ["1"])
    #expect(try value("curl \(server.base)/bomb?n=1 | length") == ["131072"])
  }

  @Test("services answer people in a chat, with their data, each with its own secret", .timeLimit(.minutes(20)))
  func services() throws {
    let server = try WebSimulator()
    try server.set("/words", #"[{"word":"hat"},{"word":"bat"}]"#)
    try server.set("/menu", #"{"dishes":[{"name":"Soup","price":3},{"name":"Taco","price":4}]}"#)
    let directory = try TemporaryDirectory()
    let host = try Host(
      arguments: ["--config", try configuration(server, directory)],
      environment: ["YETIBOT_SERVICE_SECRETS": #"{"menu": "s3cr3t-menu"}"#, "YB_GIPHY_KEY": ""], directory: directory)
    let chat = try TestChat(host)
    #expect(try chat.ask("!rhyme cat | sort | join ,") == "bat,hat")
    #expect(try chat.ask("!service menu monday | tail | render costs {{price}}") == "costs 4")
    #expect(server.requests.contains { $0.contains("/menu?day=monday") && $0.contains(#""x-menu-key":"s3cr3t-menu""#) })
    #expect(try chat.ask("!menu monday | head") == "Soup, 3")
    #expect(try chat.ask("!help menu") == "menu # a command of yetibot-pack")
    #expect(try chat.ask("!menus monday").contains("menu"))
    try server.set("/menu", #"{"error":"s3cr3t-menu is not the key"}"#)
    #expect(try chat.ask("!service menu tuesday").contains("… is not the key"))
    #expect(try chat.ask("!giphy cat").contains("set giphy_key in yetibot-pack's configuration"))
    #expect(try chat.ask("!jira AB-1").contains("set addresses.jira"))
    #expect(try chat.ask("!help rhyme") == "rhyme <word> # words that rhyme with it")
    #expect(try chat.ask("!category list meme").contains("meme <meme>: <above>"))
    #expect(try chat.ask("!mail ann@example.org / hi").contains("set mail_smtp"))

    // What is under way is answered through a swap, and the new build goes on.
    try chat.say("!json \(server.base)/silent", by: "bob")
    try server.program.line(.output, "the question") { $0.contains("/silent") }
    try host.command("swap", "yetibot-pack")
    #expect(try chat.answer().text.contains("did not answer within"))
    #expect(try chat.ask("!rhyme cat | count") == "2")
    let log = host.program.printed(.error).joined(separator: "\n")
    #expect(!log.contains("s3cr3t"))
    try host.stop()
  }

  @Test("commands on other machines run without a shell here, for those alone who are named", .timeLimit(.minutes(20)))
  func remote() throws {
    let server = try WebSimulator()
    let directory = try TemporaryDirectory()
    let program = try directory.file(
      "ssh",
      """
      #!/bin/bash
      case "${@: -1}" in
        hang) exec sleep 600 ;;
        flood) exec yes ;;
        fail) echo broken; exit 3 ;;
      esac
      echo "to ${*: -2:1}"
      echo "<${@: -1}>"
      cat
      """)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let pack = """
      ssh_servers: {kitchen: {user: cook, servers: {oven: oven.example.org}}}
      ssh_users: [U-ann]
      ssh_program: "\(program)"
      timeout: 2s
      """
    let host = try Host(
      arguments: ["--config", try configuration(server, directory, pack: pack)], directory: directory)
    let chat = try TestChat(host)
    #expect(try chat.ask("!ssh servers") == "kitchen: oven (oven.example.org)")
    #expect(try chat.ask("!ssh oven echo `echo a` \"$HOME\" ; ls") == "to oven.example.org\n<echo a \"$HOME\" ; ls>")
    #expect(try chat.ask("!ssh oven fail | render {{output}}{{status}}").hasSuffix("3"))
    #expect(try chat.ask("!ssh oven flood").contains("more than 65536 bytes"))
    let hung = try chat.ask("!ssh oven hang")
    #expect(hung.contains("did not finish in time"), "\(hung)")
    #expect(try chat.ask("!ssh oven uptime", by: "bob").contains("ssh_users"))
    #expect(try chat.ask("!ssh stove uptime").contains("there is no server stove"))
    try host.stop()
  }

  @Test("the operator's programs run for those alone who are named, within their time", .timeLimit(.minutes(20)))
  func programs() throws {
    let server = try WebSimulator()
    let directory = try TemporaryDirectory()
    let pack = """
      programs:
        shout: {command: [/usr/bin/tr, a-z, A-Z], pass: input, users: [U-ann]}
        count: {command: [/bin/sh, -c, 'echo $# words: "$*"', sh], pass: words, users: [U-ann]}
        one: {command: [/bin/sh, -c, 'echo "$#: $1"', sh], users: [U-ann]}
        see: {command: [/usr/bin/env], pass: input, environment: [SEEN], users: [U-ann]}
        hang: {command: [/bin/sleep], users: [U-ann]}
        mute: {command: [/bin/sh, -c, 'exec > /dev/null 2>&1; exec sleep "$1"', sh], users: [U-ann]}
        late: {command: [/bin/sh, -c, 'echo first; exec > /dev/null 2>&1; sleep 0.2; exit "$1"', sh], users: [U-ann]}
        gone: {command: [/nowhere/program], users: [U-ann]}
      timeout: 2s
      """
    let host = try Host(
      arguments: ["--config", try configuration(server, directory, pack: pack)],
      environment: ["SEEN": "yes", "YB_GIPHY_KEY": "s3cr3t"], directory: directory)
    let chat = try TestChat(host)
    #expect(try chat.ask("!echo two tacos | shout | echo %s!") == "TWO TACOS!")
    #expect(try chat.ask("!list a b | shout") == "A\nB")
    #expect(try chat.ask("!count $(echo a) ; `echo b` *") == "4 words: a ; b *")
    #expect(try chat.ask("!one a ; b  *") == "1: a ; b  *")
    let seen = try chat.ask("!see")
    #expect(seen.contains("SEEN=yes") && !seen.contains("s3cr3t"), "\(seen)")
    // One that prints no more is waited for, as long as the others are.
    for name in ["hang", "mute"] {
      let answer = try chat.ask("!\(name) 600")
      #expect(answer.contains("\(name) did not finish in time"), "\(answer)")
    }
    #expect(try chat.ask("!late 0 | echo %s!") == "first!")
    #expect(try chat.ask("!gone").contains("/nowhere/program cannot be started"))
    #expect(try chat.ask("!shout hello", by: "bob").contains("for those alone whom programs.shout"))
    try host.stop()
  }

  @Test("a configuration that is wrong says where", .timeLimit(.minutes(20)))
  func wrongConfiguration() throws {
    let server = try WebSimulator()
    let directory = try TemporaryDirectory()
    let file = try configuration(server, directory, pack: "mail_smtp: https://x")
    let result = try evaluate("rhyme cat", file)
    #expect(result.error.contains("mail_smtp: an address of a mail server is written smtps://host"), "\(result)")
  }
}
