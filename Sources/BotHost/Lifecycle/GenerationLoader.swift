import CBotHost
import Glibc

/// Brings a build of a plugin from its file to a created object that waits in standby: stage, inspect, try in a child process, load,
/// create, bind. Runs on the operations' thread; whatever fails leaves nothing behind but, for images that may not be unmapped, their
/// pages.
struct GenerationLoader {
  let staging: ImageStaging
  let registry: ImageRegistry
  let probe: ImageProbe?
  let clock: any HostClock

  /// What a swap tells the new generation of the old one's state.
  struct StartOptions {
    var flags: UInt32
    var stateFormat = ""
    var stateVersion: UInt32 = 0
    /// An operator named a library: its version need not be the manifest's.
    var anyVersion = false
  }

  func load(
    _ instance: PluginInstance, manifest: Manifest, library: String, resolved: ResolvedConfiguration, number: UInt32,
    options: StartOptions
  ) throws -> Generation {
    let name = instance.name
    if manifest.isolation == .process {
      throw LifecycleFailure(
        name, .inspect, "\(manifest.location.file): this host has no worker processes; say `isolation: thread`")
    }
    var expectations = ImageExpectations(manifest, isolation: .thread)
    if options.anyVersion { expectations.version = nil }

    let staged: StagedImage
    do {
      staged = try staging.stage(library: library, plugin: manifest.plugin, generation: UInt64(number))
    } catch { throw LifecycleFailure(name, .stage, error) }

    let image: Image
    do {
      let inspection = try ImageInspection(staged, expecting: expectations)
      if inspection.kind != .plugin && manifest.isolation == nil {
        throw LifecycleFailure(
          name, .inspect,
          "\(library) has no bh_plugin_entry_v1; a library without glue runs in a process of its own unless its manifest says "
            + "`isolation: thread`")
      }
      if let probe, inspection.kind == .plugin {
        do { try probe.run(staged, inspection, expecting: expectations) } catch {
          throw LifecycleFailure(name, .probe, error)
        }
      }
      image = try registry.load(staged, inspection, expecting: expectations)
    } catch let failure as LifecycleFailure {
      staging.discard(staged)
      throw failure
    } catch let refusal as ImageRefusal {
      staging.discard(staged)
      throw LifecycleFailure(name, refusal.step == .load ? .load : .inspect, refusal)
    } catch {
      staging.discard(staged)
      throw LifecycleFailure(name, .load, "\(error)")
    }

    let handle = HostHandle(instance: instance, generation: number, manifest: manifest, resolved: resolved)
    var object: OpaquePointer?
    var leaks: [String] = []
    do {
      if let descriptor = image.descriptor {
        guard let created = try create(descriptor, handle, instance, resolved.json, number, options) else {
          leaks = ["`create` has not returned"]
          throw LifecycleFailure(name, .create, "`create` did not return within \(Self.createTime / 1_000_000_000) s")
        }
        object = created
      }
      let binder = CallBinder(image: image, handle: handle, object: object, instance: name)
      let plan = try binder.plan(manifest, configuration: resolved.json, generation: number)
      return Generation(
        number: number, image: image, handle: handle, object: object, foreign: binder.foreign, plan: plan,
        loadedAt: clock.monotonic)
    } catch {
      if let object, !destroy(object, of: image, handle) { leaks = ["`destroy` has not returned"] }
      handle.phase = .gone
      _ = image.retire(leaks: leaks)
      throw error as? LifecycleFailure ?? LifecycleFailure(name, .create, "\(error)")
    }
  }

  /// Refuses a library that cannot be one of this manifest, from its file alone: before what runs is stopped for it.
  func inspect(_ name: String, _ source: PluginSource) throws {
    do {
      _ = try ImageInspection(
        ImageStaging.unstaged(source.library), expecting: ImageExpectations(source.manifest, isolation: .thread))
    } catch { throw LifecycleFailure(name, .inspect, error) }
  }

  /// How long `create` may take, nanoseconds; as long as `activate`.
  private static let createTime: Int64 = 10_000_000_000

  /// Whether it has returned.
  private func destroy(_ object: OpaquePointer, of image: Image, _ handle: HostHandle) -> Bool {
    // Nobody else has the object.
    nonisolated(unsafe) let object = object
    let returned: Void? = BoundedCall.run("destroy", timeout: Reaper.callTime) {
      image.descriptor?.table.destroy?(object)
      // Not before: the plugin has its pointer.
      withExtendedLifetime(handle) {}
    }
    return returned != nil
  }

  /// What `create` has answered.
  private struct Created: @unchecked Sendable {
    var code: bh_rc
    var object: OpaquePointer?
    /// Why it failed, in its own words.
    var said: String?
  }

  /// The plugin's object; nil when `create` has not returned. Should it do so later, what it made is destroyed.
  private func create(
    _ descriptor: PluginDescriptor, _ handle: HostHandle, _ instance: PluginInstance, _ configuration: JSONValue,
    _ number: UInt32, _ options: StartOptions
  ) throws -> OpaquePointer? {
    guard descriptor.table.create != nil else {
      throw LifecycleFailure(instance.name, .create, "its descriptor has no `create`")
    }
    // The ABI promises a directory, not only a name for one.
    do { try FileTree.makeDirectories(instance.dataDirectory) } catch {
      throw LifecycleFailure(instance.name, .create, "\(error)")
    }
    let began = clock.monotonic
    let created = BoundedCall.run("create", timeout: Self.createTime) {
      var object: OpaquePointer?
      let code = withBorrowed(instance.name) { name in
        withBorrowedBytes(configuration.serialized()) { configuration in
          withBorrowed(instance.dataDirectory) { directory in
            withBorrowed(options.stateFormat) { format in
              var start = bh_start(
                size: UInt32(MemoryLayout<bh_start>.size), flags: options.flags, instance: name,
                generation: UInt64(number), config: configuration, data_directory: directory, state_format: format,
                state_version: options.stateVersion, reserved: 0)
              return descriptor.table.create?(handle.pointer, HostTable.api, &start, &object)
                ?? bh_rc(BH_E_UNSUPPORTED)
            }
          }
        }
      }
      return Created(code: code, object: object, said: CallMessage.take())
    } late: { created in
      if created.code >= 0, let object = created.object { descriptor.table.destroy?(object) }
      // Not before: the plugin has its pointer.
      withExtendedLifetime(handle) {}
    }
    guard let created else { return nil }
    guard created.code >= 0, let object = created.object else {
      throw LifecycleFailure(
        instance.name, .create,
        created.said
          ?? (created.code < 0 ? ResultCode.name(created.code) : "`create` gave no object and no reason"))
    }
    let took = (clock.monotonic - began) / 1_000_000
    if took > 2000 {
      instance.log.warning(
        instance.name, "`create` took \(took) ms; plugins should do long work on a thread of `bh.thread`")
    }
    return object
  }
}
