/// `bothost restart`.
enum RestartCommand: InstanceCommand {
  static let name = "restart"
  static let summary = "stop an instance and start it again"
  static let discussion = """
    Manifest, library and the --config file are read again first; when they cannot be used, what runs goes on. `bothost swap` replaces a
    build without a stop.
    """
}
