import CELF
import Glibc

/// What a library is, told from its bytes: none of it has been mapped or run.
///
/// A value exists only for a library that may be tried: everything that speaks against loading it is an
/// `ImageRefusal` thrown by `init`.
public struct ImageInspection: Sendable {
  /// Whether it is a plugin or a library that has never heard of bothost.
  public enum Kind: Sendable, Hashable {
    /// It exports `bh_plugin_entry_v1`.
    case plugin
    /// It does not; its functions are bound by the manifest alone.
    case glueless
  }

  public let kind: Kind
  public let digest: ImageDigest
  /// The linker's identity of the build, in hexadecimal.
  public let buildID: String?
  /// The name under which others would need it.
  public let soname: String?
  /// The functions that the manifest names and that the library exports.
  public let exported: Set<String>
  /// Those that it does not export: its `bind` must know them.
  public let boundByName: [ImageExpectations.Function]
  public let needed: [NeededLibrary]
  public let unloadSafety: UnloadSafety

  /// The libraries that only a worker can give it.
  public var privateLibraries: [NeededLibrary] { needed.filter { $0.place == .privateLibrary } }

  static let entrySymbol = "bh_plugin_entry_v1"

  /// Looks at a staged image.
  public init(_ image: StagedImage, expecting expectations: ImageExpectations) throws(ImageRefusal) {
    let isUntouched = image.identity != nil && FileIdentity(image.path) == image.identity
    let bytes: LibraryBytes
    do throws(ImageRefusal) {
      // A private copy was digested when it was made: it need not be read again as long as nobody has touched it.
      if isUntouched {
        bytes = try LibraryBytes(mapping: image.path, limit: ImageStaging.maximumSize)
      } else {
        bytes = LibraryBytes(copying: try FileBytes.read(image.path, limit: ImageStaging.maximumSize))
      }
    } catch {
      throw ImageRefusal(.inspect, error.cause, library: image.source, error.message)
    }
    guard isUntouched || ImageDigest(of: bytes.buffer) == image.digest else {
      throw ImageRefusal(
        .inspect, .unreadable, library: image.source, "changed while it was looked at",
        advice: "put new builds in place by renaming")
    }
    try self.init(bytes: bytes, image: image, expecting: expectations)
  }

  init(bytes: LibraryBytes, image: StagedImage, expecting expectations: ImageExpectations) throws(ImageRefusal) {
    do throws(ELFFile.Fault) {
      let file = try ELFFile(bytes)
      let findings = try Findings(file, image, expectations)
      kind = findings.kind
      exported = findings.exported
      boundByName = findings.boundByName
      needed = findings.closure.needed
      unloadSafety = findings.unloadSafety
      digest = image.digest
      buildID = file.buildID
      soname = file.strings(DT_SONAME).first
    } catch {
      throw ImageRefusal(.inspect, error.cause, library: image.source, error.message, advice: error.advice)
    }
  }
}

/// The checks, in an order in which the first failure is the one that explains the others.
private struct Findings {
  typealias Fault = ELFFile.Fault

  var kind: ImageInspection.Kind
  var exported: Set<String>
  var boundByName: [ImageExpectations.Function]
  var closure: LibraryClosure
  var unloadSafety: UnloadSafety

  init(_ file: ELFFile, _ image: StagedImage, _ expectations: ImageExpectations) throws(Fault) {
    guard file.flags1 & UInt64(DF_1_PIE) == 0 else {
      throw Fault(
        cause: .notALibrary, message: "is a program; a shared library was expected", advice: "link with -shared")
    }
    let symbols = try Self.interestingSymbols(file, expectations)
    kind = try Self.kind(symbols, expectations)
    exported = []
    boundByName = []
    for function in expectations.functions {
      try Self.check(function, symbols, file, kind)
      if symbols[function.name] != nil { exported.insert(function.name) } else { boundByName.append(function) }
    }
    if image.place == .privateCopy { try Self.checkMemory(file, expectations.isolation) }

    closure = LibraryClosure(of: file, origin: image.sourceDirectory)
    try Self.checkNeeds(closure, expectations.isolation)

    let traits = ImageTraits(of: file, name: FileTree.name(of: image.source))
    if expectations.isolation == .thread {
      if traits.holdsGo {
        throw Fault(
          cause: .goRuntime, message: "holds a Go runtime, and a process can hold only one, for ever",
          advice: "give the plugin `isolation: process`")
      }
      if traits.holdsSwift, !closure.needed.contains(where: { $0.name.hasPrefix("libswiftCore.") }) {
        throw Fault(
          cause: .secondSwiftRuntime, message: "brings a Swift runtime of its own (-static-stdlib) beside the host's",
          advice: "build it without -static-stdlib, or give the plugin `isolation: process`")
      }
    }
    var reasons = traits.reasons
    if image.place == .system { reasons.insert(.systemLibrary, at: 0) }
    for newcomer in closure.newcomers { reasons += newcomer.traits.reasons }
    let callsBack = expectations.functions.contains { function in
      function.signature?.parameters.contains { if case .callback = $0 { true } else { false } } ?? false
    }
    if callsBack { reasons.append(.callbacks) }
    unloadSafety = reasons.isEmpty ? .unmappable : .pinned(reasons)
  }

  /// The defined symbols that anything below asks for, by name.
  private static func interestingSymbols(
    _ file: ELFFile, _ expectations: ImageExpectations
  ) throws(Fault) -> [String: ELFFile.Symbol] {
    let wanted = Set(expectations.functions.flatMap { [$0.name, "bh_sig__\($0.name)"] })
    var symbols: [String: ELFFile.Symbol] = [:]
    try file.forEachSymbol { symbol in
      guard symbol.isDefined, symbol.binding != STB_LOCAL else { return }
      let name = symbol.name
      if wanted.contains(name) || symbol.hasPrefix("bh_plugin_entry_v") { symbols[name] = symbol }
    }
    return symbols
  }

  private static func isFunction(_ symbol: ELFFile.Symbol) -> Bool {
    symbol.kind == STT_FUNC || symbol.kind == STT_GNU_IFUNC
  }

  private static func kind(
    _ symbols: [String: ELFFile.Symbol], _ expectations: ImageExpectations
  ) throws(Fault) -> ImageInspection.Kind {
    if let entry = symbols[ImageInspection.entrySymbol] {
      guard isFunction(entry) else {
        throw Fault(
          cause: .missingSymbol(ImageInspection.entrySymbol),
          message: "exports \(ImageInspection.entrySymbol), which is no function")
      }
      return .plugin
    }
    let others = symbols.keys.filter { $0.hasPrefix("bh_plugin_entry_v") }.sorted()
    if let other = others.first {
      throw Fault(
        cause: .wrongABI,
        message:
          "is built for version \(other.dropFirst("bh_plugin_entry_v".count)) of the ABI; this host speaks version 1",
        advice: "build it with this host's bothost.h")
    }
    // Without an entry there is nobody to ask for a standard handler: every function must have a signature.
    guard !expectations.functions.isEmpty, expectations.functions.allSatisfy({ $0.signature != nil }) else {
      throw Fault(
        cause: .missingSymbol(ImageInspection.entrySymbol), message: "exports no \(ImageInspection.entrySymbol)",
        advice:
          "define it (see bothost.h); in a library that is no plugin each `call:` needs a `signature:`"
      )
    }
    return .glueless
  }

  private static func check(
    _ function: ImageExpectations.Function, _ symbols: [String: ELFFile.Symbol], _ file: ELFFile,
    _ kind: ImageInspection.Kind
  ) throws(Fault) {
    guard let symbol = symbols[function.name] else {
      if function.signature == nil && kind == .plugin { return }
      throw Fault(
        cause: .missingSymbol(function.name), message: "exports no function \(function.name), which the manifest calls",
        advice: "check the name, and that it has default visibility and C linkage")
    }
    guard isFunction(symbol) else {
      throw Fault(
        cause: .missingSymbol(function.name),
        message: "exports \(function.name), which the manifest calls, but it is no function")
    }
    guard let embedded = symbols["bh_sig__\(function.name)"] else { return }
    guard let text = file.text(at: embedded.address, limit: 513), let signature = try? Signature(parsing: text) else {
      throw Fault(
        cause: .signatureMismatch(function.name), message: "its bh_sig__\(function.name) is no signature",
        advice: "see BH_SIG in bothost.h")
    }
    // A standard method has the C shape of a standard handler.
    let expected = function.signature ?? Signature(result: .scalar(.i32), parameters: [.plugin, .event])
    guard signature == expected else {
      throw Fault(
        cause: .signatureMismatch(function.name),
        message: "its function \(function.name) is \(signature); the manifest calls it as \(expected)",
        advice: "make `signature:` and the library agree")
    }
  }

  private static func checkMemory(_ file: ELFFile, _ isolation: Isolation) throws(Fault) {
    guard file.flags & UInt64(DF_TEXTREL) == 0, file.value(DT_TEXTREL) == nil else {
      throw Fault(
        cause: .textRelocations,
        message: "has text relocations: its code would have to be written to while it is mapped",
        advice: "compile everything in it with -fPIC")
    }
    guard !file.wantsExecutableStack else {
      throw Fault(
        cause: .executableStack, message: "asks for an executable stack",
        advice: "link with -z noexecstack; assembler files need a .note.GNU-stack section")
    }
    if isolation == .thread, file.flags & UInt64(DF_STATIC_TLS) != 0 {
      throw Fault(
        cause: .staticTLS,
        message: "uses initial-exec thread-local storage, of which a process has room for a few builds only",
        advice: "compile without -ftls-model=initial-exec, or give the plugin `isolation: process`")
    }
  }

  private static func checkNeeds(_ closure: LibraryClosure, _ isolation: Isolation) throws(Fault) {
    for library in closure.needed {
      switch library.place {
      case .system, .swiftRuntime: continue
      case .missing:
        throw Fault(
          cause: .missingLibrary(library.name), message: "needs \(library.name), which is nowhere the loader looks",
          advice: "install it or link it statically")
      case .privateLibrary:
        guard isolation == .thread else { continue }
        throw Fault(
          cause: .privateLibrary(library.name),
          message:
            "needs \(library.name) (\(library.path ?? "")): builds would share one copy of it",
          advice: "link it statically, or give the plugin `isolation: process`")
      }
    }
  }
}
