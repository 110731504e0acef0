/// The answer of `yetibot.command`. A hook that does not know the command passes the call on.
public struct CommandAnswer: Codable, Sendable {
  public var handled: Bool
  public var value: JSONBox?
  public var data: JSONBox?
  public var dataCollection: JSONBox?
  /// Where in the data the entries of the items are: keys, and places in lists from 0.
  public var collectionPath: [String]?
  public var error: String?
  public var suppressed: Bool?
  /// How many of the commands that follow it has done already.
  public var skip: Int?

  private enum CodingKeys: String, CodingKey {
    case handled, value, data, error, suppressed, skip
    case dataCollection = "data_collection"
    case collectionPath = "collection_path"
  }

  /// nil when nobody handled it.
  public var outcome: Outcome? {
    guard handled else { return nil }
    if let error { return .failure(error) }
    let value = value?.value ?? .null
    let marked = suppressed == true ? Value.suppressed(value) : value
    guard data != nil || dataCollection != nil else { return .plain(marked) }
    return .record(
      .init(
        marked, data: data?.value ?? .null, dataCollection: dataCollection?.value, collectionPath: collectionPath))
  }

  public init(_ outcome: Outcome?) {
    handled = outcome != nil
    switch outcome {
    case .failure(let text)?: error = text
    case .plain(let value)?:
      self.value = JSONBox(value)
      suppressed = value.isSuppressed
    case .record(let answer)?:
      value = JSONBox(answer.value)
      data = answer.data.map(JSONBox.init)
      dataCollection = answer.dataCollection.map(JSONBox.init)
      collectionPath = answer.collectionPath
      suppressed = answer.value.isSuppressed
    case nil: break
    }
  }
}
