/// A program with the values of its configuration: what can be run.
public struct BoundBot: Sendable {
  public let program: BotProgram
  /// One for each of the program's requirements.
  public let instances: [BoundInstance]
  /// The JSON text of each constant; empty where the getter has no value.
  let constants: [[UInt8]]
  /// Every secret that the bot's configuration holds, to be masked in logs.
  public let secrets: [Secret]
}

/// An instance that a bot needs, with its configuration.
public struct BoundInstance: Sendable {
  /// `<bot>.<use>`.
  public let name: String
  public let plugin: String
  public let type: String
  public let location: SourceLocation
  public let configuration: ResolvedConfiguration
}

extension BotProgram {
  /// Reads the values of the configurations and makes those of the instances, with all checks of the manifests.
  ///
  /// - Returns: nil when there is an error, which is then in `diagnostics`.
  public func bind(
    manifests: [Manifest], environment: Environment, diagnostics: inout Diagnostics
  ) -> BoundBot? {
    let before = diagnostics.errorCount
    var values: [JSONValue] = []
    var secrets: [[String: Secret]] = []
    for config in configs {
      let resolved = config.schema.resolve(
        overrides: config.values, environment: environment, place: config.location, diagnostics: &diagnostics)
      values.append(resolved?.json ?? .object([:]))
      secrets.append(resolved?.secrets ?? [:])
    }
    guard diagnostics.errorCount == before else { return nil }
    var texts: [[UInt8]] = []
    for constant in constants {
      let value: JSONValue?
      switch constant.source {
      case .getter(let config, let key):
        if let secret = secrets[config][key] {
          texts.append(secret.reveal { JSONValue.string($0).serializedBytes() })
          continue
        }
        value = values[config][key]
      case .argument(let operand): value = Self.evaluate(operand, texts)
      }
      texts.append(value?.value(at: JSONPointer(tokens: constant.path))?.serializedBytes() ?? [])
    }
    var instances: [BoundInstance] = []
    for requirement in requirements {
      guard let manifest = manifests.first(where: { $0.plugin == requirement.plugin }) else {
        diagnostics.error("there is no plugin '\(requirement.plugin)' any more", at: requirement.location)
        continue
      }
      var overrides = ConfigurationOverrides()
      for argument in requirement.arguments {
        guard let value = Self.evaluate(argument.value, texts) else { continue }
        if argument.isSecret {
          if let text = value.string {
            overrides.entries.append(.init(argument.name, .secret(Secret(text)), at: argument.location))
          }
        } else if value != .null {
          overrides.entries.append(.init(argument.name, .json(value), at: argument.location))
        }
      }
      let configuration = manifest.resolveConfiguration(
        overrides: overrides, environment: environment, place: requirement.location, diagnostics: &diagnostics)
      if let configuration {
        instances.append(
          BoundInstance(
            name: requirement.instance, plugin: requirement.plugin, type: requirement.type,
            location: requirement.location, configuration: configuration))
      }
    }
    guard diagnostics.errorCount == before else { return nil }
    return BoundBot(
      program: self, instances: instances, constants: texts, secrets: secrets.flatMap { $0.values })
  }

  /// The value of an argument of `use`, which reads constants only; nil when a getter has no value.
  private static func evaluate(_ operand: BotOperand, _ constants: [[UInt8]]) -> JSONValue? {
    let text = BotRun.evaluate(operand, constants: constants)
    return text.isEmpty ? nil : try? JSONValue(parsing: text)
  }
}
