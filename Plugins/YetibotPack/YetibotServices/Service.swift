import YetibotEngine

/// A service on the web as data: how it is asked, and what is shown of its answers.
public struct Service: Sendable {
  public var name: String
  /// Of the pipeline's categories.
  public var categories: [String]
  /// Where it is; `{{base}}` in its templates. nil: the operator has to say.
  public var address: String?
  public var secret: ServiceSecret?
  /// The first one that takes the arguments counts.
  public var forms: [Form]

  /// One way to call it.
  public struct Form: Sendable {
    public var usage: String
    /// Found in the arguments; its groups are `{{match.1}}` and so on. nil: any arguments.
    public var match: Pattern?
    /// One after the other; the last one gives the answer.
    public var steps: [Step]
  }

  /// One request, and what is taken from its answer.
  public struct Step: Sendable {
    /// The name under which later steps find what was taken.
    public var name: String?
    public var method: String
    public var url: Template
    public var headers: [(name: String, value: Template)]
    /// The members of a form that is sent.
    public var form: [(name: String, value: Template)]
    /// The body as it is, when there is no form.
    public var body: Template?
    public var format: Format
    /// The part of the answer that is wanted; the whole of it when there is none.
    public var pick: JSONPath?
    /// The items of which that field contains that text, in whatever case.
    public var find: (field: String, text: Template)?
    public var choose: Choice
    /// How many items are shown.
    public var limit: Int
    /// In answers that are text: the first group of it is the value.
    public var extract: Pattern?
    /// What an item reads as.
    public var item: Template?
    /// What is said where nothing was found.
    public var none: Template?
    /// Where an answer says what was wrong.
    public var failed: JSONPath?
  }

  /// What an answer is read as. `address` is the address that the request ended at.
  public enum Format: String, Sendable, CaseIterable { case json, text, csv, address }

  public enum Choice: String, Sendable, CaseIterable { case all, first, random }

  public var usage: [String] { forms.map(\.usage) }
}
