/// Why a library was not taken, at which step, and what to do about it.
///
/// Thrown by staging, inspection, probing and loading. Whatever was running before goes on running: a refusal leaves
/// nothing mapped that was not mapped before, with the one exception of `.load`, where the image's initialisers may
/// have run.
public struct ImageRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  /// The steps in their order.
  public enum Step: String, Sendable, Hashable {
    /// Copying the operator's file.
    case stage
    /// Looking at the bytes without running them.
    case inspect
    /// The trial in a disposable process.
    case probe
    /// Mapping it into the host.
    case load
  }

  /// What is wrong, for programs.
  public enum Cause: Sendable, Hashable {
    /// The file cannot be found, opened, read or copied.
    case unreadable
    /// The host could not make its private copy: no room, no descriptors, no permission in its own directory.
    case notStaged
    /// The file is larger than the host takes.
    case tooLarge
    /// The bytes are no shared library at all.
    case notALibrary
    /// A library, but for another processor, word size or byte order.
    case wrongArchitecture
    /// Something that the file's own headers promise lies beyond its end.
    case truncated
    /// The headers contradict each other.
    case malformed
    /// A function that the ABI or the manifest asks for is not there.
    case missingSymbol(String)
    /// The signature embedded in the library differs from the manifest's.
    case signatureMismatch(String)
    /// Built for a version of the ABI that this host does not speak.
    case wrongABI
    /// The descriptor is unusable or is somebody else's.
    case wrongDescriptor
    /// A library that this one needs cannot be found.
    case missingLibrary(String)
    /// A library that this one needs is neither the system's nor Swift's, so two builds would share one copy of it.
    case privateLibrary(String)
    /// It uses thread-local storage that only the program itself may use.
    case staticTLS
    /// Its code must be changed while it is mapped.
    case textRelocations
    /// It asks for a stack from which code can be run.
    case executableStack
    /// It brings a Swift runtime of its own.
    case secondSwiftRuntime
    /// It brings a Go runtime, of which a process can hold one.
    case goRuntime
    /// The trial died of a signal.
    case crashed(call: String, signal: Int32)
    /// The trial did not end in time.
    case timedOut(call: String)
    /// The trial ran and a call answered with a failure.
    case failed(call: String)
    /// The trial could not be started.
    case notProbed
    /// The loader gave back an image that is in use already.
    case notNew
    /// The dynamic loader refused it.
    case loaderRefused
  }

  public var step: Step
  public var cause: Cause
  /// The operator's file, not the private copy.
  public var library: String
  /// What was found and what was expected, one sentence without a full stop.
  public var message: String
  /// What to do about it; empty when the message says it all.
  public var advice: String

  public init(_ step: Step, _ cause: Cause, library: String, _ message: String, advice: String = "") {
    self.step = step
    self.cause = cause
    self.library = library
    self.message = message
    self.advice = advice
  }

  /// Whether the library is to blame. Otherwise the same file may be taken as soon as the host has room.
  public var isOfLibrary: Bool { cause != .notStaged && cause != .notProbed }

  public var description: String {
    advice.isEmpty ? "\(library): \(message)" : "\(library): \(message); \(advice)"
  }
}
