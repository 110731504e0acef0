import YetibotEngine

/// The services that are ready: data of the same form that an operator writes.
enum BuiltInServices {
  static let all: [(name: String, value: Value)] = pastimes + lookups + work
}
