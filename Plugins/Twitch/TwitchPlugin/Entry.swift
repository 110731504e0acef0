import BotPluginKit

/// The one symbol that the host looks for.
@c(bh_plugin_entry_v1)
public func entry(_ hostMinor: UInt32) -> UnsafeRawPointer? { TwitchPlugin.entry(hostMinor) }
