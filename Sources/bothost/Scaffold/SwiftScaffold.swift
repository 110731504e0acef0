/// A plugin in Swift, with the kit.
enum SwiftScaffold {
  @Sendable static func files(_ scaffold: Scaffold) -> [Scaffold.File] {
    let type = scaffold.typeName
    return [
      scaffold.manifest,
      Scaffold.File(
        name: "\(type).swift",
        text: code.replacing("@NAME@", with: scaffold.name).replacing("@TYPE@", with: type)),
      Scaffold.File(
        name: "Makefile",
        text: """
          # Where the kit lies: BotPluginKit.swiftmodule and libBotPluginKit.a.
          \(scaffold.includeLine)
          SWIFTFLAGS ?= -O
          LIBRARY = lib\(type).so

          # Put in place by renaming: a host that runs has the old file open.
          $(LIBRARY): \(type).swift Makefile
          \tswiftc $(SWIFTFLAGS) -swift-version 6 -parse-as-library -emit-library -module-name \(type) \\
          \t  -I "$(BOTHOST_INCLUDE)" -L "$(BOTHOST_INCLUDE)" -lBotPluginKit \\
          \t  -Xlinker -Bsymbolic -Xlinker --exclude-libs -Xlinker ALL -o $@.new \(type).swift
          \tmv $@.new $@
          \(scaffold.makeRules)
          """),
      scaffold.readme(source: "\(type).swift", build: "one call of the Swift compiler"),
    ]
  }

  private static let code = #"""
    import BotPluginKit

    /// Counts the messages of a chat. Lives on its lane: the host calls it from one thread at a time.
    final class @TYPE@: BotPlugin {
      struct Configuration: ManifestConfiguration {}

      struct Count: Codable {
        var messages: Int
      }

      /// The names are those behind `call:` in the manifest.
      static let table = PluginTable<@TYPE@>(name: "@NAME@", version: "0.1.0") {
        Handler("on_message", @TYPE@.onMessage)
        Method("count", @TYPE@.count)
        // What the next build takes over.
        HandOver(\.messages)
      }

      private let host: Host
      private var messages = 0

      init(configuration: Configuration, host: Host) throws {
        self.host = host
      }

      /// What it returns settles the event; a thrown `PluginError` says what else is to become of it.
      func onMessage(_ message: ChatMessage, _ event: borrowing Event) throws -> Outcome {
        messages += 1
        return .done
      }

      func count(_ nothing: NoArgument) -> Count {
        Count(messages: messages)
      }
    }

    /// What the method `count` is called with: nothing.
    struct NoArgument: Decodable {}

    @c(bh_plugin_entry_v1) public func entry(_ minor: UInt32) -> UnsafeRawPointer? { @TYPE@.entry(minor) }

    """#
}
