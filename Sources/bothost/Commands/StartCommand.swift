/// `bothost start`.
enum StartCommand: InstanceCommand {
  static let name = "start"
  static let summary = "start an instance that is stopped, waits or has failed, or a plugin that starts on use"
  static let discussion = """
    Manifest, library and the --config file are read again. A plugin that starts on use is started with what it requires.
    """
}
