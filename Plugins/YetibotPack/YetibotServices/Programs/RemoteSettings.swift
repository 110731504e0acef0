import YetibotEngine

/// What the configuration says about ssh.
public struct RemoteSettings: Sendable {
  public struct Server: Sendable, Hashable {
    public var name: String
    public var group: String
    public var host: String
    public var user: String?
    public var port: Int?
    public var keyFile: String?
  }

  public struct Failure: Error, CustomStringConvertible { public let description: String }

  private let servers: [Server]
  private let permitted: Permitted
  private let connectSeconds: Int
  private let program: String

  /// - Parameters:
  ///   - groups: by name: `{user, port, key_file, servers: {name: host}}`.
  ///   - connectSeconds: how long making the connection may take.
  ///   - program: the ssh program's path.
  public init(
    groups: [String: Value], permitted: Permitted, connectSeconds: Int = 5, program: String = "/usr/bin/ssh"
  ) throws {
    self.program = program
    self.permitted = permitted
    self.connectSeconds = connectSeconds
    var servers: [Server] = []
    for (group, value) in groups.sorted(by: { $0.key < $1.key }) {
      let path = "ssh_servers.\(group)"
      guard let map = value.members else { throw Failure(description: "\(path): a mapping is expected") }
      let known = ["user", "port", "key_file", "servers"]
      for key in map.keys where !known.contains(key) {
        throw Failure(description: "\(path).\(key): there is no such key; there are \(known.joined(separator: ", "))")
      }
      guard let hosts = map["servers"]?.members, !hosts.isEmpty else {
        throw Failure(description: "\(path).servers: names and hosts are expected")
      }
      var port: Int?
      if let value = map["port"] {
        guard let number = value.number.flatMap({ Int(exactly: $0) }), (1...65535).contains(number) else {
          throw Failure(description: "\(path).port: 1 to 65535 is expected")
        }
        port = number
      }
      for (name, host) in hosts {
        guard Self.isWord(name), Self.isWord(host.text) else {
          throw Failure(description: "\(path).servers.\(name): a name and a host without spaces are expected")
        }
        guard !servers.contains(where: { $0.name == name }) else {
          throw Failure(description: "\(path).servers.\(name): this name stands in two groups")
        }
        if let user = map["user"], !Self.isWord(user.text) {
          throw Failure(description: "\(path).user: a name is expected")
        }
        servers.append(
          Server(
            name: name, group: group, host: host.text, user: map["user"]?.text, port: port,
            keyFile: map["key_file"]?.text))
      }
    }
    self.servers = servers
  }

  /// Nothing that the ssh program would take for an option, or for more than one thing.
  private static func isWord(_ text: String) -> Bool {
    !text.isEmpty && text.first != "-" && text.utf8.count <= 255
      && text.unicodeScalars.allSatisfy {
        $0.isASCII
          && ($0.properties.isAlphabetic || $0.properties.numericType != nil || "-._:".unicodeScalars.contains($0))
      }
  }

  func plan(_ request: CommandRequest) -> Plan {
    guard permitted.allows(request) else {
      return .fail("ssh is for those alone whom ssh_users and ssh_roles in yetibot-pack's configuration name")
    }
    let (name, command) = Yetibot.splitCommand(request.args.trimmed)
    if name == "servers" {
      return .answer(
        .record(
          .init(
            .strings(servers.map { "\($0.group): \($0.name) (\($0.host))" }),
            data: .list(
              servers.map { ["group": .string($0.group), "name": .string($0.name), "host": .string($0.host)] }))))
    }
    guard !name.isEmpty, !command.trimmed.isEmpty else {
      return .answer(
        .plain(
          .strings(["ssh servers # the machines that are known", "ssh <server> <command> # runs a command there"])))
    }
    guard let server = servers.first(where: { $0.name == name }) else {
      return .fail("there is no server \(name); see ssh servers")
    }
    guard command.utf8.count <= 4096, !command.utf8.contains(0) else {
      return .fail("that is no command that can be sent")
    }
    // The command is one argument, which the other machine's shell reads.
    return .run(
      ProgramRun(
        name: server.name, program: program, arguments: arguments(server) + [command],
        environment: ["PATH", "HOME", "USER", "LOGNAME", "LANG", "SSH_AUTH_SOCK"], unstarted: 255))
  }

  private func arguments(_ server: Server) -> [String] {
    var arguments = [
      // Nobody is there to be asked; an unknown machine is not trusted; nothing of this one is handed on.
      "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=\(connectSeconds)", "-o",
      "ForwardAgent=no", "-o", "ForwardX11=no", "-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no",
    ]
    if let port = server.port { arguments += ["-p", "\(port)"] }
    if let user = server.user { arguments += ["-l", user] }
    if let keyFile = server.keyFile { arguments += ["-o", "IdentitiesOnly=yes", "-i", keyFile] }
    return arguments + ["--", server.host]
  }
}
