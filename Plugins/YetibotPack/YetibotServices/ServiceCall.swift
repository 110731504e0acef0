import HTTPClient
import YetibotEngine

/// One call of a service: its steps, one after the other.
struct ServiceCall {
  let service: Service
  let form: Service.Form
  let base: (address: HTTPAddress, text: String, isConfigured: Bool)
  /// A random number, for services that choose.
  let random: UInt64
  /// What templates see.
  private(set) var context: ValueMap

  private struct Failure: Error, CustomStringConvertible { let description: String }

  /// What a call of a service becomes.
  static func plan(
    _ service: Service, _ catalog: ServiceCatalog, _ request: CommandRequest, args: String, random: UInt64
  ) -> Plan {
    guard args.utf8.count <= 4096 else { return .fail("more than 4096 bytes of arguments") }
    for form in service.forms {
      guard let groups = form.match.map({ $0.groups(in: args) }) ?? [args] else { continue }
      guard let base = catalog.base(of: service) else {
        return .fail(
          "nobody has said where \(service.name) is: set addresses.\(service.name) in yetibot-pack's configuration")
      }
      var context = ValueMap()
      context["args"] = .string(args)
      context["words"] = .strings(args.split(separator: " ").map(String.init))
      context["match"] = .list(groups.map { Value($0) })
      context["user"] = .string(request.user ?? "")
      context["user_name"] = .string(request.userName ?? "")
      context["setting"] = .map(catalog.settings)
      context["channel"] = .string(request.channel ?? "")
      return ServiceCall(service: service, form: form, base: base, random: random, context: context).step(0)
    }
    return .answer(.plain(.strings(service.usage)))
  }

  private init(
    service: Service, form: Service.Form, base: (address: HTTPAddress, text: String, isConfigured: Bool),
    random: UInt64, context: ValueMap
  ) {
    self.service = service
    self.form = form
    self.base = base
    self.random = random
    self.context = context
  }

  // MARK: Asking

  private func step(_ index: Int) -> Plan {
    do {
      return .fetch(try fetch(form.steps[index])) { response in
        do { return try self.took(response, index) } catch { return .fail("\(error)") }
      }
    } catch { return .fail("\(error)") }
  }

  private func fetch(_ step: Service.Step) throws -> Fetch {
    let address = try HTTPAddress(URLTemplate.render(step.url, base: base.text, context))
    var plain = context
    plain["base"] = .string(base.text)
    func text(_ template: Template) throws -> String { try template.rendered(with: .map(plain)) }
    var request = HTTPRequest(step.method, address)
    for header in step.headers { request.headers.append(.init(header.name, try text(header.value))) }
    let names = Set(step.headers.map { $0.name.lowercased() })
    if step.format == .json, !names.contains("accept") { request.headers.append(.init("Accept", "application/json")) }
    if !step.form.isEmpty {
      let members = try step.form.map { "\(URLTemplate.encode($0.name))=\(URLTemplate.encode(try text($0.value)))" }
      request.body = Array(members.joined(separator: "&").utf8)
      request.headers.append(.init("Content-Type", "application/x-www-form-urlencoded"))
    } else if let body = step.body {
      request.body = Array(try text(body).utf8)
      if !names.contains("content-type") { request.headers.append(.init("Content-Type", "application/json")) }
    } else if step.method != "GET", step.method != "HEAD", step.method != "DELETE" {
      request.body = []
    }
    return Fetch(
      request: request, secret: address.hasSameOrigin(as: base.address) ? service.secret : nil,
      scope: .service(base: base.address, isConfigured: base.isConfigured))
  }

  // MARK: Answers

  private func took(_ response: HTTPResponse, _ index: Int) throws -> Plan {
    let step = form.steps[index]
    let value = try self.value(of: response, step)
    guard index + 1 < form.steps.count else { return .answer(try answer(value, step)) }
    var next = self
    if let name = step.name {
      let chosen = value.items.map { items in items.isEmpty ? Value.null : choose(items, step) } ?? value
      guard chosen != .null else { throw Failure(description: try nothing(step)) }
      next.context[name] = chosen
    }
    return next.step(index + 1)
  }

  /// What the step wants of an answer.
  private func value(of response: HTTPResponse, _ step: Service.Step) throws -> Value {
    let whole: Value
    switch step.format {
    case .json:
      do { whole = try JSONText.parse(response.text) } catch {
        try checkStatus(response, nil)
        let type = response.mediaType.isEmpty ? "something" : response.mediaType
        throw Failure(description: "\(response.address.host) answered with \(type), and that cannot be read: \(error)")
      }
      // A path that leads nowhere says that nothing is wrong.
      let complaint = step.failed.flatMap { try? $0.select(in: whole) } ?? .null
      try checkStatus(response, complaint)
      if complaint != .null, !complaint.isEmptyCollection, !complaint.text.isEmpty {
        throw Failure(description: "\(response.address.host): \(Self.short(complaint.text))")
      }
    case .csv:
      try checkStatus(response, nil)
      whole = .list(CSV.records(response.text)?.maps ?? [])
    case .text:
      try checkStatus(response, response.mediaType == "text/plain" ? .string(response.text) : nil)
      whole = .string(response.text)
    case .address:
      try checkStatus(response, nil)
      whole = .string(response.address.text)
    }
    var value = try step.pick.map { try $0.select(in: whole) } ?? whole
    if let extract = step.extract {
      value = Value(extract.groups(in: value.text).flatMap { $0.count > 1 ? $0[1] : $0[0] })
    }
    if let find = step.find {
      let wanted = try find.text.rendered(with: .map(context)).lowercased()
      value = .list(value.items?.filter { ($0[find.field]?.text ?? "").lowercased().contains(wanted) } ?? [])
    }
    return value
  }

  private func checkStatus(_ response: HTTPResponse, _ complaint: Value?) throws {
    guard !response.isSuccess else { return }
    throw Failure(description: StatusText.describe(response, complaint.map { Self.short($0.text) }))
  }

  private static func short(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    return line.count > 200 ? line.prefix(200) + "…" : line
  }

  private func choose(_ items: [Value], _ step: Service.Step) -> Value {
    step.choose == .random ? items[Int(random % UInt64(items.count))] : items[0]
  }

  private func answer(_ value: Value, _ step: Service.Step) throws -> Outcome {
    guard let items = value.items else {
      guard value != .null, !value.isEmptyCollection, !value.text.isEmpty else { return .failure(try nothing(step)) }
      // A map that is not to be read in some way is one, for `keys`, `grep` and the like.
      if step.item == nil, value.members != nil { return .record(.init(value, data: value)) }
      return .record(.init(.string(try read(value, step)), data: value))
    }
    guard !items.isEmpty else { return .failure(try nothing(step)) }
    if step.choose != .all {
      let item = choose(items, step)
      return .record(.init(.string(try read(item, step)), data: item))
    }
    let shown = Array(items.prefix(step.limit))
    return .record(.init(.strings(try shown.map { try read($0, step) }), data: .list(shown)))
  }

  /// What an item reads as. Its own members come first, or `value` for one that has none, then what the call was made with.
  private func read(_ item: Value, _ step: Service.Step) throws -> String {
    guard let template = step.item else { return DataText.scalar(item) }
    var members = item.members ?? ValueMap([("value", item)])
    for (key, value) in context where members[key] == nil { members[key] = value }
    if members["base"] == nil { members["base"] = .string(base.text) }
    return try template.rendered(with: .map(members))
  }

  private func nothing(_ step: Service.Step) throws -> String {
    try step.none?.rendered(with: .map(context)) ?? "nothing was found"
  }
}
