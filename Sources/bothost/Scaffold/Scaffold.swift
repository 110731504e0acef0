/// A new plugin's folder, ready to be built, checked, run and swapped.
struct Scaffold {
  /// The plugin's name, as its manifest gives it.
  let name: String
  /// Where `bothost.h` and the Swift kit lie, if that could be found out.
  let include: String?

  struct File {
    var name: String
    var text: String
  }

  /// A language that `bothost new` knows.
  struct Language {
    var name: String
    var summary: String
    var files: @Sendable (Scaffold) -> [File]
  }

  /// One row a language.
  static let languages = [
    Language(name: "c", summary: "C99; the header is all that it needs", files: CScaffold.files),
    Language(name: "swift", summary: "Swift 6 with the kit", files: SwiftScaffold.files),
  ]

  /// `word-count` -> `WordCount`: a type and a module in languages that want one.
  var typeName: String {
    let parts = name.split { !$0.isLetter && !$0.isNumber }
    let joined = parts.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    return joined.first?.isLetter == true ? joined : "Plugin" + joined
  }

  /// The line of a Makefile that says where the header is.
  var includeLine: String { "BOTHOST_INCLUDE ?= \(include ?? "/usr/local/include/bothost")" }

  var manifest: File {
    File(
      name: "\(name).yaml",
      text: """
        bothost: 1
        plugin: \(name)
        version: 0.1.0
        summary: counts the messages of a chat
        library: lib\(typeName).so

        # What comes in: each handler is a function of the library.
        handlers:
          - {topic: chat.message, call: on_message, key: /channel/id, timeout: 5s, retry: {max: 3, backoff: 200ms..5s}}

        # What others may ask: `bothost call \(name).count`.
        methods:
          count: {call: count, returns: {messages: int}, summary: how many messages have been seen}

        # What one may ask from the shell: `bothost \(name) count`.
        commands:
          - {name: count, method: count, summary: how many messages have been seen}

        """)
  }

  func readme(source: String, build: String) -> File {
    File(
      name: "README.md",
      text: """
        # \(name)

        A plugin for bothost.

        | file | |
        |---|---|
        | `\(name).yaml` | the manifest: which topics, methods and settings there are |
        | `\(source)` | the code |
        | `Makefile` | \(build) |

        ```sh
        make            # the library, put in place by renaming, so that a running host may swap to it
        make check      # manifest and library, without running them
        make verify     # the same, and trials in a host of its own
        make run        # a host with this plugin; Ctrl-C ends it
        ```

        While it runs, in another terminal:

        ```sh
        bothost publish chat.message '{"platform": "console", "instance": "console", "channel": {"id": "1", "name": "lobby"},
          "author": {"id": "7", "name": "ann"}, "message": {"id": "42", "text": "hello"}, "private": false}'
        bothost \(name) count
        make && bothost swap \(name)    # another build takes over, with the count
        ```

        """)
  }

  /// The rules that are the same in every language, after the one that builds.
  var makeRules: String {
    """

    check: $(LIBRARY)
    \tbothost check .

    verify: $(LIBRARY)
    \tbothost verify .

    run: $(LIBRARY)
    \tbothost --plugins . --data data

    clean:
    \trm -f $(LIBRARY) $(LIBRARY).new

    .PHONY: check verify run clean

    """
  }
}
