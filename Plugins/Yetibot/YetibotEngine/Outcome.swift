/// What a command answers.
public enum Outcome: Sendable, Hashable {
  /// A value alone: the data of the commands before stay with the pipe.
  case plain(Value)
  /// A value and what it was made from.
  case record(Answer)
  /// The expression ends with this text.
  case failure(String)

  public struct Answer: Sendable, Hashable {
    public var value: Value
    /// What the value was made from; nil when the answer says nothing of it.
    public var data: Value?
    /// One entry of data for each item of the value. Without one it is the element of `data` at `collectionPath`, or
    /// `data` itself when that is a list.
    public var dataCollection: Value?
    public var collectionPath: [String]?

    public init(_ value: Value, data: Value? = nil, dataCollection: Value? = nil, collectionPath: [String]? = nil) {
      self.value = value
      self.data = data
      self.dataCollection = dataCollection
      self.collectionPath = collectionPath
    }

    /// The entries of data that belong to the value's items.
    var collection: Value? {
      if let dataCollection, dataCollection != .null { return dataCollection }
      if let collectionPath {
        let element = collectionPath.reduce(data) { $0?[$1] }
        if let element, element != .null { return element }
      }
      if case .list? = data?.unsuppressed { return data }
      return nil
    }

    /// The answer itself as a map of its parts.
    var asMap: Value {
      var map = ValueMap([("value", value)])
      map["data"] = data
      map["data-collection"] = dataCollection
      return .map(map)
    }
  }

  /// A list of texts without data.
  static func lines(_ texts: some Sequence<String>) -> Outcome { .plain(.strings(texts)) }

  /// One text without data.
  static func text(_ text: String) -> Outcome { .plain(.string(text)) }
}

/// The result of a whole expression.
public struct Evaluation: Sendable, Hashable {
  public var value: Value = .empty
  public var data: Value = .null
  public var dataCollection: Value?
  /// The text of the error that ended the expression.
  public var error: String?

  public init() {}

  init(value: Value, data: Value) {
    self.value = value
    self.data = data
  }

  /// How it reads inside another command: its error, or its value.
  var text: String { error ?? value.text }
}

/// What ends an expression at once, and is reported to whoever asked: a command that cannot go on, or a limit.
public struct Raised: Error, Sendable, Hashable, CustomStringConvertible {
  public var message: String
  /// A limit of time, steps or depth: it ends everything that runs, and nothing may catch it.
  public var isLimit: Bool

  public init(_ message: String, isLimit: Bool = false) {
    self.message = message
    self.isLimit = isLimit
  }

  public var description: String { message }
}
