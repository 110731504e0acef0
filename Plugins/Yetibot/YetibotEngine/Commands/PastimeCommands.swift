/// Commands of the extension pack that are there for company: order, poke, attack, notit, http.
extension Yetibot {
  func registerPastimes() {
    define(
      ["order"],
      [
        Self.on(#"^\s*show\s*$"#, "order show # what is ordered", ["fun"]) { $0.engine.showOrders($0.place) },
        Self.on(#"^\s*reset\s*$"#, "order reset # forgets all orders", ["fun"]) { call in
          call.engine.rows.remove("order") { $0.isIn(call.place) }
          return .text("the orders are forgotten")
        },
        Self.on(#"^\s*remove\s*$"#, "order remove # forgets your order", ["fun"]) { call in
          let name = call.person?.name ?? "nobody"
          guard call.engine.rows["order"].contains(where: { $0.isIn(call.place) && $0["user_name"] == name })
          else {
            return .failure("\(name) has ordered nothing")
          }
          call.engine.rows.remove("order") { $0.isIn(call.place) && $0["user_name"] == name }
          return .text("the order of \(name) is forgotten")
        },
        Self.on(#"^\s*for\s+([^:]+):\s*(\S.*)$"#, "order for <person>: <food> # orders for somebody else", ["fun"]) {
          call in
          call.engine.order(call.group(2) ?? "", for: (call.group(1) ?? "").trimmed, call)
        },
        Self.on(#"^\s*(\S.*)$"#, "order <food> # orders for you", ["fun"]) { call in
          call.engine.order(call.group(1) ?? "", for: call.person?.name ?? "nobody", call)
        },
      ])
    define(
      ["poke"],
      [
        Self.on(#"^\s*(\S.*)?$"#, "poke [<person>] # pokes somebody", ["fun"]) { call in
          .text("pokes \(call.engine.somebody(call.group(1), call))")
        }
      ])
    define(
      ["attack"],
      [
        Self.on(#"^\s*(\S.*)?$"#, "attack [<person>] # goes for somebody", ["fun", "crude"]) { call in
          let means = ["a wet towel", "a stale baguette", "a rubber chicken", "a long meeting"]
          return .text(
            "goes for \(call.engine.somebody(call.group(1), call)) with \(means.randomElement(using: &call.engine.random) ?? means[0])"
          )
        }
      ])
    define(
      ["notit"],
      [
        Self.on(nil, "notit # not you; the last one who has not said so is it", ["fun"]) { call in
          let engine = call.engine
          let name = call.person?.name ?? "nobody"
          if !engine.rows["notit"].contains(where: { $0.isIn(call.place) && $0["user_name"] == name }) {
            engine.insert("notit", .row(in: call.place, [("user_name", name)]))
          }
          let safe = Set(engine.rows["notit"].filter { $0.isIn(call.place) }.map { $0["user_name"] })
          let left = engine.people.all(in: call.place).map(\.name).filter { !safe.contains($0) }
          guard left.count == 1 else { return .text("\(name) is not it") }
          engine.rows.remove("notit") { $0.isIn(call.place) }
          return .text("\(left[0]) is it")
        }
      ])
    define(
      ["http"],
      [
        Self.on(#"^\s*(\d{3})\s*$"#, "http <code> # what a status code of HTTP means", ["info"]) { call in
          let code = call.group(1) ?? ""
          guard let meaning = httpMeanings[code] else { return .failure("\(code) is no status code that I know") }
          return .text("\(code) \(meaning)")
        }
      ])
  }

  private func order(_ food: String, for name: String, _ call: Invocation) -> Outcome {
    let columns = ValueMap.row(in: call.place, [("user_name", name), ("food", food.trimmed)])
    if let row = rows["order"].first(where: { $0.isIn(call.place) && $0["user_name"] == name }) {
      rows.update("order", row.id, columns)
    } else {
      insert("order", columns)
    }
    return .text("\(food.trimmed) for \(name) is ordered")
  }

  private func showOrders(_ place: ChatPlace) -> Outcome {
    let orders = rows["order"].filter { $0.isIn(place) }
    return orders.isEmpty ? .text("nothing is ordered") : .lines(orders.map { "\($0["user_name"]): \($0["food"])" })
  }

  /// Who was named, or somebody of the room by chance.
  private func somebody(_ name: String?, _ call: Invocation) -> String {
    name?.trimmed ?? people.all(in: call.place).randomElement(using: &random)?.mentionName ?? "nobody"
  }
}

/// RFC 9110, section 15.
private let httpMeanings = [
  "100": "Continue", "101": "Switching Protocols", "200": "OK", "201": "Created", "202": "Accepted",
  "203": "Non-Authoritative Information", "204": "No Content", "205": "Reset Content", "206": "Partial Content",
  "300": "Multiple Choices", "301": "Moved Permanently", "302": "Found", "303": "See Other", "304": "Not Modified",
  "307": "Temporary Redirect", "308": "Permanent Redirect", "400": "Bad Request", "401": "Unauthorized",
  "402": "Payment Required", "403": "Forbidden", "404": "Not Found", "405": "Method Not Allowed",
  "406": "Not Acceptable", "407": "Proxy Authentication Required", "408": "Request Timeout", "409": "Conflict",
  "410": "Gone", "411": "Length Required", "412": "Precondition Failed", "413": "Content Too Large",
  "414": "URI Too Long", "415": "Unsupported Media Type", "416": "Range Not Satisfiable", "417": "Expectation Failed",
  "418": "I'm a teapot", "421": "Misdirected Request", "422": "Unprocessable Content", "426": "Upgrade Required",
  "428": "Precondition Required", "429": "Too Many Requests", "431": "Request Header Fields Too Large",
  "500": "Internal Server Error", "501": "Not Implemented", "502": "Bad Gateway", "503": "Service Unavailable",
  "504": "Gateway Timeout", "505": "HTTP Version Not Supported",
]
