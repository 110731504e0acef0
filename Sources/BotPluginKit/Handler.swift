/// How a handler ended that did not throw.
public enum Outcome: Sendable {
  /// The delivery is acknowledged.
  case done
  /// Not for me: acknowledged, and not counted as handled.
  case skip
  /// Done, and handlers of lower priority on the same event are not asked any more.
  case stop
}

/// A handler without the plugin's type. The object is a `Plugin` of the row that made it. A struct of its own,
/// because a function as an element of a generic collection would be called through a thunk.
@usableFromInline
struct HandlerFunction: Sendable {
  @usableFromInline let call: @Sendable (AnyObject, borrowing Event) throws -> Outcome

  @usableFromInline
  init(_ call: @escaping @Sendable (AnyObject, borrowing Event) throws -> Outcome) { self.call = call }
}

/// A row of the table: the function behind a handler of the manifest, `call: NAME`.
///
/// The function is a method of the plugin, `Handler("on_message", Greeter.onMessage)`, or a closure. It takes the
/// ``Event`` itself, or a `Decodable` value that the kit reads from the payload, or both; it returns nothing or an
/// ``Outcome``. What it throws is the delivery's failure (``PluginError``); a payload that does not fit the value
/// is rejected with the place of the mismatch. The closure over the bare event is the fastest: the kit adds no
/// allocation to it.
///
/// The row named `handle`, or the only one, takes the events of manifest entries without `call:`.
public struct Handler<Plugin: BotPlugin>: Sendable {
  @usableFromInline let name: String
  /// The initializers are inlined into the plugin's module, where the function and its types are known.
  @usableFromInline let run: HandlerFunction

  // MARK: Closures

  /// A closure over the event as it is.
  @inlinable
  public init(_ name: String, _ body: @escaping @Sendable (Plugin, borrowing Event) throws -> Void) {
    self.name = name
    run = HandlerFunction { object, event in
      try body(unsafeDowncast(object, to: Plugin.self), event)
      return .done
    }
  }

  /// A closure over the event as it is, which says how it ended.
  @inlinable
  public init(_ name: String, _ body: @escaping @Sendable (Plugin, borrowing Event) throws -> Outcome) {
    self.name = name
    run = HandlerFunction { object, event in try body(unsafeDowncast(object, to: Plugin.self), event) }
  }

  /// A closure over the decoded payload and the event.
  @inlinable
  public init<Value: Decodable & SendableMetatype>(
    _ name: String, decoding type: Value.Type,
    _ body: @escaping @Sendable (Plugin, Value, borrowing Event) throws -> Void
  ) {
    self.name = name
    run = HandlerFunction { object, event in
      try body(unsafeDowncast(object, to: Plugin.self), event.decode(Value.self), event)
      return .done
    }
  }

  /// A closure over the decoded payload and the event, which says how it ended.
  @inlinable
  public init<Value: Decodable & SendableMetatype>(
    _ name: String, decoding type: Value.Type,
    _ body: @escaping @Sendable (Plugin, Value, borrowing Event) throws -> Outcome
  ) {
    self.name = name
    run = HandlerFunction { object, event in
      try body(unsafeDowncast(object, to: Plugin.self), event.decode(Value.self), event)
    }
  }

  // MARK: Methods of the plugin

  /// `func onMessage(_ event: borrowing Event) throws`
  @inlinable
  public init(_ name: String, _ method: @escaping @Sendable (Plugin) -> (borrowing Event) throws -> Void) {
    self.name = name
    run = HandlerFunction { object, event in
      try method(unsafeDowncast(object, to: Plugin.self))(event)
      return .done
    }
  }

  /// `func onMessage(_ event: borrowing Event) throws -> Outcome`
  @inlinable
  public init(_ name: String, _ method: @escaping @Sendable (Plugin) -> (borrowing Event) throws -> Outcome) {
    self.name = name
    run = HandlerFunction { object, event in try method(unsafeDowncast(object, to: Plugin.self))(event) }
  }

  /// `func onMessage(_ message: ChatMessage) throws`
  @inlinable
  public init<Value: Decodable & SendableMetatype>(
    _ name: String, _ method: @escaping @Sendable (Plugin) -> (Value) throws -> Void
  ) {
    self.name = name
    run = HandlerFunction { object, event in
      try method(unsafeDowncast(object, to: Plugin.self))(event.decode(Value.self))
      return .done
    }
  }

  /// `func onMessage(_ message: ChatMessage) throws -> Outcome`
  @inlinable
  public init<Value: Decodable & SendableMetatype>(
    _ name: String, _ method: @escaping @Sendable (Plugin) -> (Value) throws -> Outcome
  ) {
    self.name = name
    run = HandlerFunction { object, event in
      try method(unsafeDowncast(object, to: Plugin.self))(event.decode(Value.self))
    }
  }

  /// `func onMessage(_ message: ChatMessage, _ event: borrowing Event) throws`
  @inlinable
  public init<Value: Decodable & SendableMetatype>(
    _ name: String, _ method: @escaping @Sendable (Plugin) -> (Value, borrowing Event) throws -> Void
  ) {
    self.name = name
    run = HandlerFunction { object, event in
      try method(unsafeDowncast(object, to: Plugin.self))(event.decode(Value.self), event)
      return .done
    }
  }

  /// `func onMessage(_ message: ChatMessage, _ event: borrowing Event) throws -> Outcome`
  @inlinable
  public init<Value: Decodable & SendableMetatype>(
    _ name: String, _ method: @escaping @Sendable (Plugin) -> (Value, borrowing Event) throws -> Outcome
  ) {
    self.name = name
    run = HandlerFunction { object, event in
      try method(unsafeDowncast(object, to: Plugin.self))(event.decode(Value.self), event)
    }
  }
}
