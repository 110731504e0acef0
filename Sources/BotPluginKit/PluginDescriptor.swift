import CBotHost
import Synchronization

// The C side of the kit: the functions of `bh_plugin`. A C function pointer cannot carry a type, and `create` is
// called without an object, so each plugin class of an image gets a slot with a `create` of its own; everything
// after finds its object in `bh_self`. An image has one plugin; the other slots are for test programs, which hold
// many.

typealias MakeInstance = @Sendable (Host, [UInt8]) throws(PluginError) -> AnyPluginInstance

private let makers = Mutex<[MakeInstance]>([])

private typealias Create =
  @convention(c) (
    OpaquePointer?, UnsafePointer<bh_host_api>?, UnsafePointer<bh_start>?, UnsafeMutablePointer<OpaquePointer?>?
  ) -> bh_rc

private let creators: [Create] = [
  { create(0, $0, $1, $2, $3) }, { create(1, $0, $1, $2, $3) }, { create(2, $0, $1, $2, $3) },
  { create(3, $0, $1, $2, $3) }, { create(4, $0, $1, $2, $3) }, { create(5, $0, $1, $2, $3) },
  { create(6, $0, $1, $2, $3) }, { create(7, $0, $1, $2, $3) }, { create(8, $0, $1, $2, $3) },
  { create(9, $0, $1, $2, $3) }, { create(10, $0, $1, $2, $3) }, { create(11, $0, $1, $2, $3) },
  { create(12, $0, $1, $2, $3) }, { create(13, $0, $1, $2, $3) }, { create(14, $0, $1, $2, $3) },
  { create(15, $0, $1, $2, $3) },
]

/// Makes the descriptor of one plugin class. It is never freed: the host may look at it as long as the image is
/// mapped.
func makeDescriptor(
  name: String, version: String, stateFormat: String, stateVersion: UInt32, reconfigures: Bool,
  comesInPieces: Bool = false, make: @escaping MakeInstance
) -> UnsafeRawPointer? {
  let slot = makers.withLock { makers in
    makers.append(make)
    return makers.count - 1
  }
  guard slot < creators.count else { return nil }

  var plugin = bh_plugin()
  plugin.size = UInt32(MemoryLayout<bh_plugin>.size)
  plugin.abi_major = UInt32(BH_ABI_MAJOR)
  plugin.abi_minor = UInt32(BH_ABI_MINOR)
  plugin.name = permanent(name)
  plugin.version = permanent(version)
  plugin.sdk = permanent("BotPluginKit 1.0")
  plugin.state_format = permanent(stateFormat)
  plugin.state_version = stateVersion
  if comesInPieces { plugin.flags = UInt32(BH_PLUGIN_PRECOPY) }
  plugin.create = creators[slot]
  plugin.bind = { me, kind, name, binding in
    guard let me, let binding else { return bh_rc(BH_E_INVALID) }
    let instance = instance(me)
    guard let number = instance.bind(Int(kind), name.string) else {
      return instance.fail(.notFound("the plugin's table has no row \"\(name.string)\""))
    }
    binding.pointee = number
    return bh_rc(BH_OK)
  }
  plugin.activate = { me in
    guard let me else { return bh_rc(BH_E_INVALID) }
    let instance = instance(me)
    return instance.guarded { try instance.activate() }
  }
  plugin.handle = { me, event in
    guard let me, let event else { return bh_rc(BH_E_INVALID) }
    return Unmanaged<AnyPluginInstance>.fromOpaque(UnsafeRawPointer(me))._withUnsafeGuaranteedRef { $0.handle(event) }
  }
  plugin.invoke = { me, method, call in
    guard let me, let call else { return bh_rc(BH_E_INVALID) }
    return Unmanaged<AnyPluginInstance>.fromOpaque(UnsafeRawPointer(me))
      ._withUnsafeGuaranteedRef { $0.invoke(method, call) }
  }
  plugin.health = { me, writer, sink in
    guard let me, let writer else { return bh_rc(BH_E_INVALID) }
    let instance = instance(me)
    var rc = bh_rc(BH_OK)
    let encoded = instance.guarded {
      rc = try JSONCoding.withJSON(of: instance.health()) { writer(sink, $0.baseAddress, $0.count) }
    }
    return encoded < 0 ? encoded : rc
  }
  plugin.quiesce = { me, deadline in
    guard let me else { return bh_rc(BH_E_INVALID) }
    let instance = instance(me)
    return instance.guarded { try instance.quiesce(deadline: deadline) }
  }
  if !stateFormat.isEmpty {
    plugin.export_state = { me, phase, wanted, writer, sink in
      guard let me, let writer else { return bh_rc(BH_E_INVALID) }
      let instance = instance(me)
      var rc = bh_rc(BH_OK)
      let exported = instance.guarded {
        guard let phase = StatePhase(phase) else { throw PluginError.unsupported("there is no phase \(phase)") }
        let piece = try instance.exportState(StateRequest(phase: phase, wantedVersion: wanted))
        rc = piece.bytes.withUnsafeBytes { writer(sink, $0.baseAddress, $0.count) }
        if rc >= 0 { rc = bh_rc(piece.hasMore ? BH_ASYNC : BH_OK) }
      }
      return exported < 0 ? exported : rc
    }
    plugin.import_state = { me, phase, format, version, state in
      guard let me else { return bh_rc(BH_E_INVALID) }
      let instance = instance(me)
      return instance.guarded {
        guard let phase = StatePhase(phase) else { throw PluginError.unsupported("there is no phase \(phase)") }
        try instance.importState(
          StateOffer(
            phase: phase, format: format.string, version: version, bytes: Array(state.buffer)))
      }
    }
  }
  plugin.resume = { me in
    guard let me else { return bh_rc(BH_E_INVALID) }
    let instance = instance(me)
    return instance.guarded { try instance.resume() }
  }
  if reconfigures {
    plugin.reconfigure = { me, configuration in
      guard let me else { return bh_rc(BH_E_INVALID) }
      let instance = instance(me)
      return instance.guarded { try instance.reconfigure(Array(configuration.buffer)) }
    }
  }
  plugin.destroy = { me in
    guard let me else { return }
    let last = Unmanaged<AnyPluginInstance>.fromOpaque(UnsafeRawPointer(me))
    let host = last.takeUnretainedValue().host
    last.release()
    host.end()
  }

  let memory = UnsafeMutablePointer<bh_plugin>.allocate(capacity: 1)
  memory.initialize(to: plugin)
  return UnsafeRawPointer(memory)
}

private func create(
  _ slot: Int, _ host: OpaquePointer?, _ table: UnsafePointer<bh_host_api>?, _ start: UnsafePointer<bh_start>?,
  _ me: UnsafeMutablePointer<OpaquePointer?>?
) -> bh_rc {
  guard let host, let table, let start, let me else { return bh_rc(BH_E_INVALID) }
  let make = makers.withLock { $0[slot] }
  let services = Host(pointer: host, table: table, start: start.pointee)
  do {
    let instance = try make(services, Array(start.pointee.config.buffer))
    me.pointee = OpaquePointer(Unmanaged.passRetained(instance).toOpaque())
    return bh_rc(BH_OK)
  } catch {
    services.setError(error)
    services.end()
    return error.code.rawValue < 0 ? error.code.rawValue : bh_rc(BH_E_INTERNAL)
  }
}

private func instance(_ me: OpaquePointer) -> AnyPluginInstance {
  Unmanaged<AnyPluginInstance>.fromOpaque(UnsafeRawPointer(me)).takeUnretainedValue()
}

/// A copy of the text with the life of the image.
private func permanent(_ text: String) -> bh_str {
  let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
  _ = bytes.initialize(from: text.utf8)
  return bh_str(UnsafeRawBufferPointer(bytes))
}
