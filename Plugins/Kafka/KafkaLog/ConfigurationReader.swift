/// Reads the texts of a configuration that have a syntax of their own, and collects what is wrong with them.
struct ConfigurationReader {
  private(set) var faults: [String] = []

  mutating func fault(_ key: String, _ text: String) {
    faults.append("\(key): \(text)")
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _ text: String, of: Choice.Type)
    -> Choice?
  where Choice.RawValue == String {
    if let choice = Choice(rawValue: text) { return choice }
    fault(key, "`\(text)` is none of \(Choice.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))")
    return nil
  }

  mutating func topicName(_ key: String, _ name: String) -> String {
    if !name.isEmpty, let wrong = TopicName.fault(in: name) { fault(key, "`\(name)` \(wrong)") }
    return name
  }

  mutating func settings(_ key: String, _ value: JSONTree) -> [ClientSetting] {
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

  mutating func bridgeRules(_ key: String, _ elements: [JSONTree]) -> [BridgeRule] {
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
