import CBotHost

/// A plugin's descriptor, checked and copied, so that one built with an older or a newer header reads the same.
///
/// The functions in `table` are valid for as long as the image is mapped. Members that the plugin's header did not
/// have are NULL.
public struct PluginDescriptor: @unchecked Sendable {
  /// The copy. Its texts point into the image; the ones below are copies.
  public let table: bh_plugin
  public let name: String
  public let version: String
  /// What it was built with; may be empty.
  public let sdk: String
  /// Of `export_state`; empty: the plugin hands no state over.
  public let stateFormat: String
  public let stateVersion: UInt32

  /// `handle` and `invoke` may be entered from several threads at once.
  public var isReentrant: Bool { table.flags & UInt32(BH_PLUGIN_REENTRANT) != 0 }

  /// Whether it hands its state over in pieces while events still flow.
  public var copiesAhead: Bool {
    table.flags & UInt32(BH_PLUGIN_PRECOPY) != 0 && table.export_state != nil && table.import_state != nil
  }

  /// The size of the descriptor of version 1.0, which every later one contains.
  static let leastSize = 184
  /// Larger ones are no descriptors.
  static let greatestSize = 1 << 16

  /// Reads what an entry function returned. `refuse` makes the error.
  ///
  /// Reads `size` bytes from `pointer`; whether that memory can be read is what the trial in another process is for.
  init(
    copying pointer: UnsafePointer<bh_plugin>, expecting expectations: ImageExpectations,
    refuse: (ImageRefusal.Cause, String, String) -> ImageRefusal
  ) throws(ImageRefusal) {
    let size = Int(UnsafeRawPointer(pointer).load(as: UInt32.self))
    guard size >= Self.leastSize, size <= Self.greatestSize else {
      throw refuse(
        .wrongDescriptor, "its descriptor says that it has \(size) bytes; version 1.0 has \(Self.leastSize)",
        "set `size` to sizeof(bh_plugin)")
    }
    var table = bh_plugin()
    withUnsafeMutableBytes(of: &table) { copy in
      copy.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: min(size, copy.count)))
    }
    guard table.abi_major == BH_ABI_MAJOR else {
      throw refuse(
        .wrongABI,
        "is built for ABI \(table.abi_major).\(table.abi_minor); this host speaks \(BH_ABI_MAJOR).\(BH_ABI_MINOR)",
        "build it with this host's bothost.h")
    }
    func text(_ value: bh_str, _ member: String, limit: Int) throws(ImageRefusal) -> String {
      guard value.len > 0 else { return "" }
      guard let start = value.ptr, value.len <= limit,
        let text = String(validating: UnsafeRawBufferPointer(start: start, count: value.len), as: UTF8.self)
      else {
        throw refuse(.wrongDescriptor, "its descriptor's `\(member)` is no UTF-8 text of at most \(limit) bytes", "")
      }
      return text
    }
    name = try text(table.name, "name", limit: 128)
    version = try text(table.version, "version", limit: 128)
    sdk = try text(table.sdk, "sdk", limit: 256)
    stateFormat = try text(table.state_format, "state_format", limit: 128)
    stateVersion = table.state_version
    guard name == expectations.plugin else {
      throw refuse(
        .wrongDescriptor, "is the plugin '\(name)'; the manifest says '\(expectations.plugin)'",
        "check `library:` and `plugin:`")
    }
    if let wanted = expectations.version, wanted != version {
      throw refuse(
        .wrongDescriptor, "is version \(version.isEmpty ? "(none)" : version); the manifest says \(wanted)",
        "check `version:`")
    }
    for (isMissing, member) in [
      (table.create == nil, "create"), (table.destroy == nil, "destroy"),
      (!stateFormat.isEmpty && table.export_state == nil, "export_state"),
    ] where isMissing {
      throw refuse(.wrongDescriptor, "its descriptor has no `\(member)`", "see bh_plugin in bothost.h")
    }
    self.table = table
  }
}
