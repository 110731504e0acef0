extension UnsafeRawBufferPointer {
  /// The address, also of an empty buffer, so that an empty value is no missing one.
  var present: UnsafeRawPointer {
    baseAddress ?? UnsafeRawPointer(Self.nothing)
  }

  // Never read and never written: only its address is used.
  nonisolated(unsafe) private static let nothing = UnsafePointer(UnsafeMutablePointer<UInt8>.allocate(capacity: 1))
}
