/// A copy of a library that is there for as long as somebody holds this.
final class KeptLibrary: Sendable {
  private let image: StagedImage
  private let staging: ImageStaging

  /// Copies the image that serves an instance. Blocks on the disk.
  init(of generation: Generation, plugin: String, staging: ImageStaging) throws {
    image = try staging.stage(
      library: generation.image.staged.path, plugin: plugin, generation: UInt64(generation.number))
    self.staging = staging
  }

  deinit { staging.discard(image) }

  var path: String { image.path }
}
