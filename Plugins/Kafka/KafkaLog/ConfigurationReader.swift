/// Takes values out of a configuration and collects what is wrong with them.
struct ConfigurationReader {
  private let tree: JSONTree
  private(set) var faults: [String] = []

  init(_ tree: JSONTree) {
    self.tree = tree
    if case .object = tree { return }
    faults.append("the configuration is no map")
  }

  mutating func fault(_ key: String, _ text: String) {
    faults.append("\(key): \(text)")
  }

  mutating func text(_ key: String, default other: String) -> String {
    switch tree[key] {
    case nil: return other
    case .string(let text)?: return text
    case .number(let text)?: return text
    default:
      fault(key, "expected text")
      return other
    }
  }

  mutating func texts(_ key: String) -> [String] {
    guard let value = tree[key] else { return [] }
    guard case .array(let elements) = value else {
      fault(key, "expected a list of texts")
      return []
    }
    return elements.compactMap { element in
      if case .string(let text) = element { return text }
      fault(key, "expected a list of texts")
      return nil
    }
  }

  mutating func flag(_ key: String) -> Bool? {
    switch tree[key] {
    case nil: return nil
    case .bool(let flag)?: return flag
    default:
      fault(key, "expected true or false")
      return nil
    }
  }

  mutating func number(_ key: String, default other: Int, in range: ClosedRange<Int>) -> Int {
    guard let value = tree[key] else { return other }
    guard case .number(let text) = value, let number = Int(text), range.contains(number) else {
      fault(key, "expected a whole number from \(range.lowerBound) to \(range.upperBound)")
      return other
    }
    return number
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _ text: String, of: Choice.Type)
    -> Choice?
  where Choice.RawValue == String {
    if let choice = Choice(rawValue: text) { return choice }
    fault(key, "`\(text)` is none of \(Choice.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))")
    return nil
  }

  mutating func topicName(_ key: String) -> String {
    let name = text(key, default: "")
    if !name.isEmpty, let wrong = TopicName.fault(in: name) { fault(key, "`\(name)` \(wrong)") }
    return name
  }

  mutating func settings(_ key: String) -> [ClientSetting] {
    guard let value = tree[key] else { return [] }
    guard case .object(let members) = value else {
      fault(key, "expected a map from librdkafka's names of settings to their values")
      return []
    }
    return members.compactMap { member in
      let text: String
      switch member.value {
      case .string(let value): text = value
      case .number(let value): text = value
      case .bool(let value): text = value ? "true" : "false"
      default:
        fault("\(key).\(member.name)", "expected text, a number, true or false")
        return nil
      }
      if let reason = SettingTable.refusal(of: member.name, value: text) {
        let shown = SettingTable.isSecret(member.name) ? "" : " `\(text)`"
        fault("\(key).\(member.name)", "the value\(shown) is refused: \(reason)")
        return nil
      }
      return ClientSetting(member.name, text)
    }
  }

  mutating func bridgeRules(_ key: String) -> [BridgeRule] {
    guard let value = tree[key] else { return [] }
    guard case .array(let elements) = value else {
      fault(key, "expected a list of {from, to} and {topic, publish}")
      return []
    }
    var rules: [BridgeRule] = []
    for (index, element) in elements.enumerated() {
      do throws(ConfigurationFaults) {
        rules.append(try BridgeRule(element))
      } catch {
        for text in error.texts { fault("\(key)[\(index)]", text) }
      }
    }
    return rules
  }
}
