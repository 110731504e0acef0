import CBotHost

/// The greater part of a hand-over of a large state: done while events still flow, so that they wait only for what is left.
///
/// The old generation writes a piece between two events, the new one, in standby, reads it meanwhile, and so on, until what is left is
/// small. Changes on the way are the old generation's to know: they come with a later piece. Whatever comes to nothing here is made up
/// for by a whole state at the end.
///
/// For the thread of the operation.
struct StatePrecopy {
  let instance: PluginInstance
  let old: Generation
  let new: Generation
  let clock: any HostClock

  /// What the end of the swap has to know.
  struct Copied: Sendable {
    /// Of the state that was written.
    var version: UInt32
    var bytes: Int
    var pieces: Int
  }

  /// Bytes after which a state that changes faster than it is copied is handed over as it is.
  private static let limit = 4 * Generation.maximumState
  /// The same in nanoseconds.
  private static let time: Int64 = 30_000_000_000

  /// Nil when nothing was copied that counts.
  func run() throws(LifecycleFailure) -> Copied? {
    guard let before = old.descriptor, let after = new.descriptor, before.copiesAhead, after.copiesAhead,
      !before.stateFormat.isEmpty
    else { return nil }
    var versions = [before.stateVersion]
    if after.stateFormat == before.stateFormat, after.stateVersion != before.stateVersion {
      versions.insert(after.stateVersion, at: 0)
    }
    for version in versions {
      if let copied = try copy(before.stateFormat, version) { return copied }
    }
    return nil
  }

  private func copy(_ format: String, _ version: UInt32) throws(LifecycleFailure) -> Copied? {
    let deadline = clock.monotonic + Self.time
    var copied = Copied(version: version, bytes: 0, pieces: 0)
    var phase = BH_STATE_SNAPSHOT
    while true {
      let piece = try export(phase, version)
      if piece.code == BH_E_UNSUPPORTED { return nil }
      guard piece.code >= 0 else {
        throw LifecycleFailure(instance.name, .precopy, piece.said ?? ResultCode.name(piece.code))
      }
      let (code, said) = try importing(piece.bytes, phase, format, version)
      if code == BH_E_UNSUPPORTED { return nil }
      guard code >= 0 else {
        throw LifecycleFailure(instance.name, .precopy, said ?? ResultCode.name(code))
      }
      copied.bytes += piece.bytes.count
      copied.pieces += 1
      guard piece.code == BH_ASYNC, copied.bytes < Self.limit, clock.monotonic < deadline else { return copied }
      phase = BH_STATE_CHANGES
    }
  }

  /// For one call of `import_state`, nanoseconds.
  private static let callTime: Int64 = 10_000_000_000

  private func importing(
    _ bytes: [UInt8], _ phase: Int, _ format: String, _ version: UInt32
  ) throws(LifecycleFailure) -> (bh_rc, String?) {
    let answer = BoundedCall.run("import_state", timeout: Self.callTime) { [new] in
      let code = new.importState(phase: phase, format: format, version: version, bytes)
      return (code, CallMessage.take())
    } late: { [new] _ in
      new.destroy()
    }
    guard let answer else {
      new.isStuck = true
      throw LifecycleFailure(
        instance.name, .precopy, "`import_state` did not return within \(Self.callTime / 1_000_000_000) s")
    }
    return answer
  }

  private struct Piece: Sendable {
    var code: bh_rc
    var said: String?
    var bytes: [UInt8]
  }

  private func export(_ phase: Int, _ version: UInt32) throws(LifecycleFailure) -> Piece {
    let drain = max(instance.manifest.swap.drain.nanoseconds, 1_000_000)
    let piece = instance.endpoint.onLane(timeout: drain) { [old] in
      let (code, bytes) = old.exportState(phase: phase, version: version)
      return Piece(code: code, said: CallMessage.take(), bytes: bytes)
    }
    guard let piece else {
      throw LifecycleFailure(
        instance.name, .precopy, "a handler or `export_state` was still running after \(drain / 1_000_000) ms")
    }
    return piece
  }
}
