/// The C signature of a function that libffi calls, as a manifest writes it: `cstring(cstring,u32)`.
///
/// Grammar, blanks allowed between tokens:
///
///     signature = result "(" [ parameter { "," parameter } ] ")"
///     result    = "void" | number | "bool" | "cstring"
///     parameter = number | "bool" | "cstring" | "str" | "bytes" | "json" | "ptr"
///               | "self" | "host" | "event" | "delivery" | callback
///     callback  = "callback" "(" [ item { "," item } ] ")" [ "->" result ]
///     item      = number | "bool" | "cstring" | "str" | "bytes" | "ptr"
///     number    = i8 i16 i32 i64 u8 u16 u32 u64 f32 f64
///
/// `str`, `bytes` and `json` are two C arguments, a pointer and a `size_t`; a call has at most twelve C arguments.
public struct Signature: Sendable, Hashable, CustomStringConvertible {
  /// A value that C passes by itself.
  public enum Scalar: String, Sendable, Hashable, CaseIterable {
    case i8, i16, i32, i64, u8, u16, u32, u64, f32, f64
    /// `_Bool`, one byte.
    case bool
  }

  /// What the function gives back.
  public enum Result: Sendable, Hashable {
    case void
    case scalar(Scalar)
    /// A NUL-terminated text that stays valid until the next call; NULL is no value. It is never freed.
    case cstring
  }

  /// What the function takes: one or two C arguments each.
  public enum Parameter: Sendable, Hashable {
    case scalar(Scalar)
    /// A NUL-terminated text, borrowed until the function returns.
    case cstring
    /// Text: pointer and length.
    case str
    /// Bytes: pointer and length.
    case bytes
    /// The JSON text of a value: pointer and length.
    case json
    /// A pointer that is always NULL: a function's optional context.
    case pointer
    /// `bh_self *`.
    case plugin
    /// `bh_host *`.
    case host
    /// `const bh_event *`.
    case event
    /// `bh_token`: the delivery.
    case delivery
    /// A function pointer which, when the library calls it, publishes an event.
    case callback(Callback)

    /// How many C arguments it is.
    public var argumentCount: Int {
      switch self {
      case .str, .bytes, .json: 2
      default: 1
      }
    }

    /// The host supplies it; the manifest's `args` say nothing about it.
    public var isImplicit: Bool {
      switch self {
      case .plugin, .host, .delivery, .pointer: true
      default: false
      }
    }
  }

  /// What a callback receives. What it returns is always zero or NULL.
  public struct Callback: Sendable, Hashable {
    /// One of its parameters: how it is read while the library calls.
    public enum Item: Sendable, Hashable {
      case scalar(Scalar)
      case cstring
      case str
      case bytes
      /// A context pointer: received and ignored.
      case pointer
    }
    public var items: [Item]
    public var result: Result

    public init(items: [Item], result: Result = .void) {
      self.items = items
      self.result = result
    }

    /// The items that become fields of the event.
    public var fieldCount: Int { items.count { $0 != .pointer } }
  }

  public var result: Result
  public var parameters: [Parameter]

  public init(result: Result, parameters: [Parameter]) {
    self.result = result
    self.parameters = parameters
  }

  /// How many arguments of a call may be there, in C's count.
  public static let argumentLimit = 12

  /// How many C arguments a call passes.
  public var argumentCount: Int { parameters.reduce(0) { $0 + $1.argumentCount } }

  /// `i32(self,event)`: the shape of the standard handler, which is called without libffi.
  public var isStandardHandler: Bool { result == .scalar(.i32) && parameters == [.plugin, .event] }

  /// The normal form, without blanks; two signatures are equal when these are.
  public var description: String {
    "\(result)(" + parameters.map(\.description).joined(separator: ",") + ")"
  }
}

extension Signature.Result: CustomStringConvertible {
  public var description: String {
    switch self {
    case .void: "void"
    case .scalar(let scalar): scalar.rawValue
    case .cstring: "cstring"
    }
  }
}

extension Signature.Parameter: CustomStringConvertible {
  public var description: String {
    switch self {
    case .scalar(let scalar): scalar.rawValue
    case .cstring: "cstring"
    case .str: "str"
    case .bytes: "bytes"
    case .json: "json"
    case .pointer: "ptr"
    case .plugin: "self"
    case .host: "host"
    case .event: "event"
    case .delivery: "delivery"
    case .callback(let callback): callback.description
    }
  }
}

extension Signature.Callback: CustomStringConvertible {
  public var description: String {
    "callback(" + items.map(\.description).joined(separator: ",") + ")" + (result == .void ? "" : "->\(result)")
  }
}

extension Signature.Callback.Item: CustomStringConvertible {
  public var description: String {
    switch self {
    case .scalar(let scalar): scalar.rawValue
    case .cstring: "cstring"
    case .str: "str"
    case .bytes: "bytes"
    case .pointer: "ptr"
    }
  }
}
