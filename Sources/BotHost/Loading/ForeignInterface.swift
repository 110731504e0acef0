import CFFI

/// The C shape of a call, prepared once: libffi's `ffi_cif` with the memory that it points into.
final class ForeignInterface: @unchecked Sendable {
  let cif: UnsafeMutablePointer<ffi_cif>
  /// How many C arguments there are.
  let count: Int
  private let types: UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>

  /// Nil when libffi does not take the shape.
  init?(result: Int32, arguments: [Int32]) {
    count = arguments.count
    cif = .allocate(capacity: 1)
    cif.initialize(to: ffi_cif())
    types = .allocate(capacity: max(arguments.count, 1))
    types.initialize(repeating: nil, count: max(arguments.count, 1))
    for (index, code) in arguments.enumerated() { types[index] = bh_ffi_type(UInt16(code)) }
    guard let result = bh_ffi_type(UInt16(result)), !(0..<count).contains(where: { types[$0] == nil }),
      ffi_prep_cif(cif, FFI_DEFAULT_ABI, UInt32(count), result, types) == FFI_OK
    else { return nil }
  }

  deinit {
    cif.deallocate()
    types.deallocate()
  }
}

extension Signature.Scalar {
  /// libffi's number for the type.
  var ffiCode: Int32 {
    switch self {
    case .i8: FFI_TYPE_SINT8
    case .i16: FFI_TYPE_SINT16
    case .i32: FFI_TYPE_SINT32
    case .i64: FFI_TYPE_SINT64
    case .u8, .bool: FFI_TYPE_UINT8
    case .u16: FFI_TYPE_UINT16
    case .u32: FFI_TYPE_UINT32
    case .u64: FFI_TYPE_UINT64
    case .f32: FFI_TYPE_FLOAT
    case .f64: FFI_TYPE_DOUBLE
    }
  }

  /// A number as C has it in the low bytes of a word; nil when it does not fit, or has a fraction that would be lost.
  @inline(__always)
  func bits(_ value: Int64) -> UInt64? {
    switch self {
    case .i8: Int8(exactly: value) == nil ? nil : UInt64(bitPattern: value)
    case .i16: Int16(exactly: value) == nil ? nil : UInt64(bitPattern: value)
    case .i32: Int32(exactly: value) == nil ? nil : UInt64(bitPattern: value)
    case .i64: UInt64(bitPattern: value)
    case .u8: UInt8(exactly: value).map(UInt64.init)
    case .u16: UInt16(exactly: value).map(UInt64.init)
    case .u32: UInt32(exactly: value).map(UInt64.init)
    case .u64: UInt64(exactly: value)
    case .f32: UInt64(Float(value).bitPattern)
    case .f64: Double(value).bitPattern
    case .bool: nil
    }
  }

  /// The same of a number with a fraction. JSON does not tell `1` from `1.0`, so a whole one may be an integer.
  @inline(__always)
  func bits(_ value: Double) -> UInt64? {
    switch self {
    case .f64: return value.bitPattern
    case .f32:
      let narrow = Float(value)
      return narrow.isFinite == value.isFinite ? UInt64(narrow.bitPattern) : nil
    case .bool: return nil
    case .u64: return UInt64(exactly: value)
    default: return Int64(exactly: value).flatMap { bits($0) }
    }
  }
}

extension Signature.Result {
  var ffiCode: Int32 {
    switch self {
    case .void: FFI_TYPE_VOID
    case .scalar(let scalar): scalar.ffiCode
    case .cstring: FFI_TYPE_POINTER
    }
  }
}

extension Signature.Parameter {
  /// libffi's numbers for its C arguments.
  var ffiCodes: [Int32] {
    switch self {
    case .scalar(let scalar): [scalar.ffiCode]
    case .str, .bytes, .json: [FFI_TYPE_POINTER, FFI_TYPE_UINT64]
    case .delivery: [FFI_TYPE_UINT64]
    case .cstring, .pointer, .plugin, .host, .event, .callback: [FFI_TYPE_POINTER]
    }
  }
}

extension Signature.Callback.Item {
  var ffiCodes: [Int32] {
    switch self {
    case .scalar(let scalar): [scalar.ffiCode]
    case .str, .bytes: [FFI_TYPE_POINTER, FFI_TYPE_UINT64]
    case .cstring, .pointer: [FFI_TYPE_POINTER]
    }
  }
}
