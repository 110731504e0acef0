/// Commands on the data behind a value: data, raw, render.
extension Yetibot {
  func registerData() {
    let util: Set = ["util"]
    define(
      ["data"],
      [
        Self.on(#"^\s*show(?:\s|$)"#, "data show # the data behind the value, written out", util) { call in
          guard call.data != .null else { return .text("there is no data") }
          return Self.shown(call.data, call)
        },
        Self.on("^\\s*(\(JSONPath.pattern))", "data <path> # the part of the data that the path selects", util) {
          call in
          guard call.data != .null else { return .failure("there is no data") }
          let selection = try JSONPath(call.group(1) ?? "$").select(in: call.data)
          return Self.shown(selection, call)
        },
        Self.on(nil, "data # the data behind the value", util) { call in
          guard call.data != .null else { return .text("there is no data") }
          guard call.data.isTruthy else { return .plain(call.data) }
          return .record(.init(call.data, data: call.data))
        },
      ])
    define(
      ["raw"],
      [
        Self.on(#"^\s*all(?:\s|$)"#, "raw all # all that a command receives, written out", util) { call in
          let record: Value = [
            "args": .string(call.args), "opts": call.opts ?? .null, "raw": call.raw.unmarked, "data": call.data,
            "data-collection": call.dataCollection ?? .null, "user": call.person?.record ?? .null,
          ]
          return .record(.init(.string(JSONText.print(record, indent: true)), data: record))
        },
        Self.on(nil, "raw <collection or text> # the value written as JSON", util) { call in
          .record(
            .init(
              .string(JSONText.print(call.opts ?? .string(call.args))), data: call.data,
              dataCollection: call.dataCollection))
        },
      ])
    define(
      ["render"],
      [
        Self.on(#"(.+)"#, "render <template> # fills a template with the data", []) { call in
          try Self.render(call)
        }
      ])
  }

  private static func shown(_ value: Value, _ call: Invocation) -> Outcome {
    let end = call.quirks.contains(.printsLineFeeds) ? "\n" : ""
    return .record(.init(.string(JSONText.print(value, indent: value.isCollection) + end), data: value))
  }

  private static func render(_ call: Invocation) throws -> Outcome {
    var source = call.group(1) ?? ""
    // What the pipe appended belongs to the value, not to the template.
    if call.opts == nil, !call.raw.isCollection {
      let appended = " " + call.raw.text
      if source.hasSuffix(appended) { source = String(source.dropLast(appended.count)) }
    }
    let engine = call.engine
    var renderer = TemplateRenderer(
      allowance: call.context.allowance,
      runCommand: { command, value in
        let text =
          value.isCollection ? command : command + " " + value.text
        let outcome = try engine.dispatch(
          Call(text: text, opts: value.isCollection ? value : .strings([value.text]), raw: value), call.context)
        switch outcome {
        case .failure(let message): return Outcome.Answer(.string("Error: \(message)"))
        case .plain(let value): return Outcome.Answer(value)
        case .record(let answer): return answer
        }
      })
    renderer.clock = engine.now
    renderer.utcOffset = engine.configuration.utcOffset
    renderer.chance = { Int.random(in: 0..<max($0, 1), using: &engine.random) }
    do {
      let template = try Template(source, endClosesMarks: call.quirks.contains(.openMarks))
      let value: Value =
        if case .list(let items) = call.data.unsuppressed {
          .list(try items.map { .string(try renderer.render(template, $0)) })
        } else {
          .string(try renderer.render(template, call.data))
        }
      return .record(.init(value, data: ["data": call.data, "template": .string(source)]))
    } catch let failure as Template.Failure {
      return .failure(failure.description)
    }
  }
}
