import HTTPClient
import YetibotEngine

/// The services that there are: those built in, and over them the operator's.
public struct ServiceCatalog: Sendable {
  private var services: [String: Service] = [:]
  /// Where the operator says that a service is.
  private var configured: [String: HTTPAddress] = [:]
  /// What templates see as `setting`.
  let settings: ValueMap

  /// - Parameters:
  ///   - own: services of the operator's by name, as the page about the pack describes them. One that has the name of a ready one takes its
  ///     place.
  ///   - addresses: where services are, by name, instead of where they usually are.
  ///   - settings: values that templates see as `setting`, by name.
  /// - Throws: an error that says which part of which service is wrong.
  public init(own: [String: Value] = [:], addresses: [String: String] = [:], settings: [String: String] = [:]) throws {
    self.settings = ValueMap(settings.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    for (name, value) in BuiltInServices.all { services[name] = try ServiceReader(name: name).service(value) }
    for (name, value) in own {
      services[name] = try ServiceReader(name: name).service(value)
      if let address = services[name]?.address { configured[name] = try Self.base(address, "services.\(name).address") }
    }
    for (name, text) in addresses {
      guard services[name] != nil else {
        throw ServiceReader.Failure(
          description: "addresses.\(name): there is no such service; there are \(names.joined(separator: ", "))")
      }
      configured[name] = try Self.base(text, "addresses.\(name)")
    }
  }

  private static func base(_ text: String, _ path: String) throws -> HTTPAddress {
    do { return try HTTPAddress(text) } catch { throw ServiceReader.Failure(description: "\(path): \(error)") }
  }

  public var names: [String] { services.keys.sorted() }

  public subscript(name: String) -> Service? { services[name] }

  /// Where a service is, without a slash at the end.
  func base(of service: Service) -> (address: HTTPAddress, text: String, isConfigured: Bool)? {
    let own = configured[service.name]
    guard let address = own ?? service.address.flatMap({ try? HTTPAddress($0) }) else { return nil }
    let text = address.text
    return (address, text.hasSuffix("/") ? String(text.dropLast()) : text, own != nil)
  }
}
