import CBotHost
import CELF
import Glibc
import Synchronization

/// A library mapped into this process: one generation's code.
///
/// Loading and retiring run initialisers and finalisers of the library and take the loader's lock: on the loader's
/// and the reaper's thread, never on a lane. Symbols may be looked up from any thread until `retire`.
public final class Image: @unchecked Sendable {
  /// What became of an image.
  public enum Retirement: Sendable, Hashable {
    /// No page of it is mapped any more, and its private copy has been removed.
    case unmapped
    /// It stays, harmless, until the process ends.
    case pinned([PinReason])
  }

  public let staged: StagedImage
  public let inspection: ImageInspection
  /// Nil for a library without glue.
  public let descriptor: PluginDescriptor?
  /// Where the image lies: what tells generations apart.
  public let baseAddress: UInt

  private let handle: UnsafeMutableRawPointer
  private let registry: ImageRegistry
  private let retirement = Mutex<Retirement?>(nil)

  fileprivate init(
    staged: StagedImage, inspection: ImageInspection, descriptor: PluginDescriptor?, baseAddress: UInt,
    handle: UnsafeMutableRawPointer, registry: ImageRegistry
  ) {
    self.staged = staged
    self.inspection = inspection
    self.descriptor = descriptor
    self.baseAddress = baseAddress
    self.handle = handle
    self.registry = registry
  }

  /// The address of an exported function that the manifest names; nil when the library does not export it.
  public func function(_ name: String) -> UnsafeMutableRawPointer? {
    guard inspection.exported.contains(name) else { return nil }
    return dlsym(handle, name)
  }

  /// Unmaps the image when nothing speaks against it, and reads from the kernel whether it is gone.
  ///
  /// Call it once everything that could enter the image has ended: after `destroy`. `leaks` are what the host found
  /// of the generation that has not ended; any of them pins the image. Calling it again gives the first answer.
  public func retire(leaks: [String] = []) -> Retirement {
    retirement.withLock { retirement in
      if let retirement { return retirement }
      // Before it is unmapped: from that moment on the next image may lie where this one lay.
      registry.retiring(baseAddress)
      let result = unmap(reasons: inspection.unloadSafety.reasons + leaks.map { .leaked($0) })
      retirement = result
      if result != .unmapped, staged.place == .privateCopy { registry.pinned(baseAddress) }
      return result
    }
  }

  private func unmap(reasons: [PinReason]) -> Retirement {
    guard reasons.isEmpty else {
      // A leak was not known when the image was opened, so it is nailed down now; the reference that this takes is
      // kept.
      _ = dlopen(staged.path, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE)
      return .pinned(reasons)
    }
    dlclose(handle)
    guard MappedFiles.contains(staged.path) == false else { return .pinned([.stillMapped]) }
    unlink(staged.path)
    return .unmapped
  }
}

/// Maps images, and knows which are mapped. One for a host process.
public final class ImageRegistry: Sendable {
  private struct State {
    var live: Set<UInt> = []
    var pinned: Set<UInt> = []
  }
  private let state = Mutex(State())

  public init() {}

  /// How many images are in use.
  public var liveCount: Int { state.withLock { $0.live.count } }
  /// How many retired images are still mapped.
  public var pinnedCount: Int { state.withLock { $0.pinned.count } }

  /// Maps a staged and inspected library and reads its descriptor.
  ///
  /// Runs the library's initialisers and, of its own functions, only the entry. Throws an `ImageRefusal` of step
  /// `.load`, and then nothing of the image is in use; it may stay mapped when its inspection says that it must not
  /// be unmapped.
  public func load(_ staged: StagedImage, _ inspection: ImageInspection, expecting expectations: ImageExpectations)
    throws(ImageRefusal) -> Image
  {
    func refuse(_ cause: ImageRefusal.Cause, _ message: String, _ advice: String = "") -> ImageRefusal {
      ImageRefusal(.load, cause, library: staged.source, message, advice: advice)
    }
    var flags = RTLD_NOW | RTLD_LOCAL
    if inspection.unloadSafety != .unmappable { flags |= RTLD_NODELETE }
    guard let handle = dlopen(staged.path, flags) else {
      throw refuse(.loaderRefused, "cannot be loaded: \(Self.loaderMessage(staged))")
    }
    do throws(ImageRefusal) {
      guard let map = LoadedLibrary.map(of: handle) else {
        throw refuse(.loaderRefused, "cannot be found in the loader's own list")
      }
      // Position-independent images lie where their first page lies, so two that are mapped at once cannot share an
      // address.
      let base = UInt(map.pointee.l_addr)
      if staged.place == .privateCopy {
        let isNew = state.withLock { state in !state.pinned.contains(base) && state.live.insert(base).inserted }
        guard isNew else {
          throw refuse(
            .notNew, "is the same image as one that is loaded already", "stage a copy of its own for each generation")
        }
      }
      do throws(ImageRefusal) {
        let descriptor = inspection.kind == .plugin ? try Self.descriptor(handle, expectations, refuse: refuse) : nil
        for name in inspection.exported where dlsym(handle, name) == nil {
          throw refuse(.missingSymbol(name), "does not give its function \(name) to the loader")
        }
        return Image(
          staged: staged, inspection: inspection, descriptor: descriptor, baseAddress: base, handle: handle,
          registry: self)
      } catch {
        if staged.place == .privateCopy {
          retiring(base)
          if flags & RTLD_NODELETE != 0 { pinned(base) }
        }
        throw error
      }
    } catch {
      dlclose(handle)
      throw error
    }
  }

  fileprivate func retiring(_ base: UInt) { state.withLock { _ = $0.live.remove(base) } }

  fileprivate func pinned(_ base: UInt) { state.withLock { _ = $0.pinned.insert(base) } }

  /// Asks the entry function for the descriptor, and checks it.
  static func descriptor(
    _ handle: UnsafeMutableRawPointer, _ expectations: ImageExpectations,
    refuse: (ImageRefusal.Cause, String, String) -> ImageRefusal
  ) throws(ImageRefusal) -> PluginDescriptor {
    guard let symbol = dlsym(handle, ImageInspection.entrySymbol) else {
      throw refuse(.missingSymbol(ImageInspection.entrySymbol), "exports no \(ImageInspection.entrySymbol)", "")
    }
    typealias Entry = @convention(c) (UInt32) -> UnsafePointer<bh_plugin>?
    let entry = unsafeBitCast(symbol, to: Entry.self)
    guard let pointer = entry(UInt32(BH_ABI_MINOR)) else {
      throw refuse(
        .wrongABI, "cannot work with a host of ABI version \(BH_ABI_MAJOR).\(BH_ABI_MINOR)",
        "use a newer host or an older build of the plugin")
    }
    return try PluginDescriptor(copying: pointer, expecting: expectations, refuse: refuse)
  }

  /// The loader's last message without the private path, which would tell nobody anything.
  static func loaderMessage(_ staged: StagedImage) -> String {
    guard let text = dlerror() else { return "the loader does not say why" }
    let message = String(cString: text)
    let prefix = "\(staged.path): "
    return message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message
  }
}
