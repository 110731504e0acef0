/// Whether an image may be unmapped once its generation has been destroyed.
public enum UnloadSafety: Sendable, Hashable, CustomStringConvertible {
  /// Nothing speaks against it. After `dlclose` the map of the process is read to see that it is gone.
  case unmappable
  /// It stays mapped until the process ends, for these reasons.
  case pinned([PinReason])

  /// Why the image has to stay mapped; empty: it may be unmapped.
  public var reasons: [PinReason] {
    switch self {
    case .unmappable: []
    case .pinned(let reasons): reasons
    }
  }

  public var description: String {
    switch self {
    case .unmappable: "unmappable"
    case .pinned(let reasons): "pinned: " + reasons.map(\.description).joined(separator: "; ")
    }
  }
}

/// Why an image is never unmapped. `object` is the file name of the library that the reason was found in: the image
/// itself, or one that it would bring into the process and that would go with it.
public enum PinReason: Sendable, Hashable, CustomStringConvertible {
  /// The Swift runtime keeps pointers to its type records and walks them at the next dynamic cast.
  case swift(object: String)
  /// It defines unique symbols (a g++ template's static, say), which bind every later build to this one's.
  case uniqueSymbols(object: String, first: String, count: Int)
  /// It was linked with `-z nodelete`.
  case noDelete(object: String)
  /// It holds a Go runtime, whose threads never end.
  case go(object: String)
  /// It uses a function that leaves a pointer into the image with the process: a thread, a signal handler, a
  /// destructor.
  case leavesPointers(object: String, function: String)
  /// Its section headers were stripped, so that what it holds cannot be told.
  case unprovable(object: String)
  /// It is a library of the system, which others use too.
  case systemLibrary
  /// The library may keep a callback that was handed to it, or be inside a call.
  case callbacks
  /// `dlclose` succeeded and the image is mapped all the same, as with a thread-local destructor of Rust or C++.
  case stillMapped
  /// The host found something of the generation that has not ended: a thread, a retained event, a call.
  case leaked(String)

  public var description: String {
    switch self {
    case .swift(let object): "\(object) holds Swift types"
    case .uniqueSymbols(let object, let first, let count): "\(object) defines \(count) unique symbols, first \(first)"
    case .noDelete(let object): "\(object) is linked with -z nodelete"
    case .go(let object): "\(object) holds a Go runtime"
    case .leavesPointers(let object, let function): "\(object) uses \(function)"
    case .unprovable(let object): "\(object) has no section headers to prove otherwise"
    case .systemLibrary: "a library of the system"
    case .callbacks: "the library may keep a callback"
    case .stillMapped: "still mapped after dlclose (a thread-local destructor, or another user)"
    case .leaked(let what): what
    }
  }
}
