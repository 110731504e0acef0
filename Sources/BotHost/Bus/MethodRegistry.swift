import CBotHost
import Synchronization

/// A method with what stands in its way, immutable.
final class MethodEntry: @unchecked Sendable {
  let name: UnsafeBufferPointer<UInt8>
  let method: Binding
  /// Highest priority first.
  let hooks: [Binding]
  let timeout: Int64

  init(name: UnsafeBufferPointer<UInt8>, method: Binding, hooks: [Binding], timeout: Int64) {
    self.name = name
    self.method = method
    self.hooks = hooks
    self.timeout = timeout
  }

  var text: String { String(decoding: name, as: UTF8.self) }
}

/// Methods by their full name, `instance.method`. Looked up without a lock on the way of a call.
final class MethodRegistry: @unchecked Sendable {
  private struct State: @unchecked Sendable {
    var methods: [String: (binding: Binding, timeout: Int64)] = [:]
    var hooks: [(hook: HookSpec, binding: Binding)] = []
    var entries: [String: MethodEntry] = [:]
  }

  private let names = TopicTable()
  private let entries: UnsafeMutablePointer<Atomic<UInt>>
  private let state = Mutex(State())
  /// Changes when a hook comes or goes.
  private let hookRevision = Atomic<UInt64>(1)

  init() {
    entries = ZeroedMemory.map(TopicTable.maximumTopics)
  }

  deinit { ZeroedMemory.unmap(entries, TopicTable.maximumTopics) }

  /// The method of that name; nil when there is none now. The caller is inside `Reclamation.enter`.
  @inline(__always)
  func find(_ name: UnsafeBufferPointer<UInt8>) -> MethodEntry? {
    guard let record = names.find(name),
      let bits = UnsafeRawPointer(bitPattern: entries[record.pointee.index].load(ordering: .acquiring))
    else { return nil }
    return Unmanaged<MethodEntry>.fromOpaque(bits).takeUnretainedValue()
  }

  /// Names of all methods.
  var all: [String] { state.withLock { $0.methods.keys.sorted() } }

  /// A number that changes whenever a hook comes or goes.
  var revisionOfHooks: UInt64 { hookRevision.load(ordering: .acquiring) }

  /// Who stands in the way of a method, in the order in which they are asked; nil when there is no such method.
  func hooks(of name: String) -> [(instance: String, hook: HookSpec)]? {
    state.withLock { state in
      state.entries[name].map { entry in
        entry.hooks.compactMap { binding in binding.hook.map { (binding.endpoint, $0) } }
      }
    }
  }

  /// Changes methods and hooks in one step. Throws, and changes nothing, when a name is taken or is none.
  func change(
    remove: [Binding], methods: [(name: String, binding: Binding, timeout: Int64)],
    hooks: [(hook: HookSpec, binding: Binding)]
  ) throws(BusError) {
    let problem: BusError? = state.withLock { state in
      let gone = Set(remove.map(ObjectIdentifier.init))
      for method in methods {
        if let other = state.methods[method.name], !gone.contains(ObjectIdentifier(other.binding)),
          other.binding !== method.binding
        {
          return BusError("the method '\(method.name)' exists already")
        }
        var name = method.name
        guard name.withUTF8({ names.intern($0, isDurable: { _ in false }) }) != nil else {
          return BusError(
            "'\(method.name)' is no name for a method: instance and method are [A-Za-z0-9_-], joined by a dot")
        }
      }
      var touched = Set<String>()
      for (name, method) in state.methods where gone.contains(ObjectIdentifier(method.binding)) { touched.insert(name) }
      for name in touched { state.methods[name] = nil }
      let before = state.hooks.filter { gone.contains(ObjectIdentifier($0.binding)) }.map(\.hook)
      state.hooks.removeAll { gone.contains(ObjectIdentifier($0.binding)) }
      for method in methods {
        state.methods[method.name] = (method.binding, method.timeout)
        touched.insert(method.name)
      }
      state.hooks += hooks
      let changed = before + hooks.map(\.hook)
      if !changed.isEmpty {
        for name in state.methods.keys where changed.contains(where: { $0.covers(name) }) { touched.insert(name) }
      }
      for name in touched { rebuild(name, &state) }
      if !changed.isEmpty { hookRevision.wrappingAdd(1, ordering: .releasing) }
      return nil
    }
    if let problem { throw problem }
  }

  private func rebuild(_ name: String, _ state: inout State) {
    var text = name
    guard let record = text.withUTF8({ names.find($0) }) else { return }
    var fresh: UInt = 0
    let old = state.entries[name]
    if let method = state.methods[name] {
      let hooks = state.hooks.filter { $0.hook.covers(name) }
        .enumerated().sorted { ($1.element.hook.priority, $0.offset) < ($0.element.hook.priority, $1.offset) }
        .map(\.element.binding)
      let entry = MethodEntry(
        name: record.pointee.bytes, method: method.binding, hooks: hooks, timeout: method.timeout)
      state.entries[name] = entry
      fresh = UInt(bitPattern: Unmanaged.passUnretained(entry).toOpaque())
    } else {
      state.entries[name] = nil
    }
    entries[record.pointee.index].store(fresh, ordering: .releasing)
    // A caller may just be reading it.
    if let old { Reclamation.retire { withExtendedLifetime(old) {} } }
  }
}
