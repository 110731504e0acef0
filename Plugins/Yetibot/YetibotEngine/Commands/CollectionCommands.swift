/// Commands on collections. What they select or reorder they select and reorder in the data too.
extension Yetibot {
  func registerCollections() {
    let both: Set = ["util", "collection"]
    let sums = configuration.quirks.contains(.uncategorizedSums) ? [] : both
    define(["head"], [Self.on(nil, "head [<n>] <collection> # the first item, or the first n", both, Self.head)])
    define(["take"], [Self.on(#"\d+"#, "take <n> <collection> # the first n items", both, Self.head)])
    define(["tail"], [Self.on(nil, "tail [<n>] <collection> # the last item, or the last n", both, Self.tail)])
    define(
      ["rest"],
      [
        Self.on(nil, "rest <collection> # all items but the first", both) { call in
          let items = Array(try call.needItems().dropFirst())
          return Self.selected(items, call.entries.map { Array($0.dropFirst()) } ?? items)
        }
      ])
    define(
      ["droplast"],
      [
        Self.on(nil, "droplast <collection> # all items but the last", both) { call in
          let items = Array(try call.needItems().dropLast())
          return Self.selected(items, call.entries.map { Array($0.dropLast()) } ?? items)
        }
      ])
    define(["random"], [Self.on(nil, "random [<collection>] # an item by chance, or a number", both, Self.random)])
    define(
      ["shuffle"],
      [
        Self.on(nil, "shuffle <collection> # the items in an order by chance", both) { call in
          let items = try call.needItems()
          return Self.reordered(items, call.entries, by: Array(items.indices).shuffled(using: &call.engine.random))
        }
      ])
    define(
      ["sort"],
      [
        Self.on(nil, "sort <collection> # the items in ascending order", both) { call in
          let items = try call.needItems()
          return Self.reordered(items, call.inventedEntries, by: Self.ascending(items))
        }
      ])
    define(
      ["sortnum"],
      [
        Self.on(nil, "sortnum <collection> # the items in the order of the numbers that they begin with", both) {
          call in
          let items = try call.needItems()
          // One item needs no number: there is nothing to compare it with.
          let numbers = try items.map { item -> Double in
            guard let number = NumberText.leading(item.text) ?? (items.count < 2 ? 0 : nil) else {
              throw Raised("\(item.text) does not begin with a number")
            }
            return call.quirks.contains(.wholeSortNumbers) ? number.rounded(.towardZero) : number
          }
          let order = items.indices.sorted { (numbers[$0], $0) < (numbers[$1], $1) }
          return Self.reordered(items, call.inventedEntries, by: order)
        }
      ])
    define(
      ["reverse"],
      [
        Self.on(nil, "reverse <collection> # the items in reverse order", sums) { call in
          Self.selected(try call.needItems().reversed(), call.inventedEntries?.reversed())
        }
      ])
    define(
      ["set"], [Self.on(nil, "set <collection> # each item once, in the order of their first", sums, Self.distinct)])
    define(
      ["count"],
      [
        Self.on(nil, "count <collection> # the number of items", sums) { call in
          .record(
            .init(
              .int(Int64(try call.needItems().count)), data: call.inventedEntries.map { .int(Int64($0.count)) }))
        }
      ])
    define(["sum"], [Self.on(nil, "sum <collection> # the sum of the items", sums, Self.sum)])
    define(
      ["unletters"],
      [
        Self.on(nil, "unletters <collection> # the items joined without anything between", sums) { call in
          .record(
            .init(
              .string(try call.needItems().map(\.text).joined()),
              data: call.inventedEntries.map { .string($0.map(\.text).joined()) }))
        }
      ])
    define(
      ["flatten"],
      [
        Self.on(nil, "flatten <collection> # the items of nested lists, line by line", both) { call in
          Self.selected(
            Self.flattened(try call.needItems(), lines: true),
            call.inventedEntries.map { Self.flattened($0, lines: false) })
        }
      ])
    define(
      ["grep"],
      [
        Self.on(
          #"^-C\s+(\d+)\s+(.+)"#, "grep -C <n> <pattern> <collection> # the items that match, and n around each", both
        ) { call in
          try Self.grep(call, call.group(2) ?? "", around: Int(call.group(1) ?? "") ?? 0)
        },
        Self.on(#"^-v\s+(.+)"#, "grep -v <pattern> <collection> # the items that do not match", both) { call in
          try Self.grep(call, call.group(1) ?? "", inverted: true)
        },
        Self.on(nil, "grep <pattern> <collection> # the items that match", both) { try Self.grep($0, $0.args) },
      ])
    define(
      ["keys"], [Self.on(nil, "keys <map> # the keys of a map, or of key: value items", both) { try Self.pick($0, 0) }])
    define(
      ["vals"],
      [Self.on(nil, "vals <map> # the values of a map, or of key: value items", both) { try Self.pick($0, 1) }])
  }

  /// A list and the entries of data that belong to its items.
  static func selected(_ items: [Value], _ entries: [Value]?) -> Outcome {
    .record(.init(.list(items), data: entries.map(Value.list) ?? .null))
  }

  /// The items and entries in another order; an item without an entry has null.
  static func reordered(_ items: [Value], _ entries: [Value]?, by order: [Int]) -> Outcome {
    selected(
      order.map { items[$0] },
      entries.map { entries in order.map { entries.indices.contains($0) ? entries[$0] : .null } })
  }

  /// The places of the items in ascending order: numbers by their size, all else by the code points of their texts; equal ones as they
  /// stand.
  private static func ascending(_ items: [Value]) -> [Int] {
    if items.allSatisfy(\.isNumber) {
      let numbers = items.map { $0.number ?? 0 }
      return items.indices.sorted { (numbers[$0], $0) < (numbers[$1], $1) }
    }
    let texts = items.map { Array($0.text.unicodeScalars) }
    return items.indices.sorted { left, right in
      texts[left] == texts[right] ? left < right : texts[left].lexicographicallyPrecedes(texts[right])
    }
  }

  private static func count(in args: String) -> Int? {
    let digits = args.drop { !($0.isASCII && $0.isNumber) }.prefix { $0.isASCII && $0.isNumber }
    return digits.isEmpty ? nil : (Int(digits) ?? Int.max)
  }

  /// The item and the entry at a place; nothing where there is no such place.
  static func one(_ place: Int, of items: [Value], _ entries: [Value]?) -> Outcome {
    .record(
      .init(
        items.indices.contains(place) ? items[place] : .null,
        data: entries.map { $0.indices.contains(place) ? $0[place] : .null }))
  }

  private static func head(_ call: Invocation) throws -> Outcome {
    let items = try call.needItems()
    let count = count(in: call.args) ?? 1
    if count == 1 { return one(0, of: items, call.entries) }
    return selected(Array(items.prefix(count)), call.entries.map { Array($0.prefix(count)) })
  }

  private static func tail(_ call: Invocation) throws -> Outcome {
    let items = try call.needItems()
    let count = count(in: call.args) ?? 1
    if count == 1 {
      // The last entry, also where there are more or fewer of them than items.
      return .record(.init(items.last ?? .null, data: call.entries.map { $0.last ?? .null }))
    }
    let chosen = items.suffix(count)
    if chosen.isEmpty, call.quirks.contains(.recordsAsValues) {
      return .record(.init(.null, data: call.entries.map { .list($0.suffix(count)) }))
    }
    return selected(Array(chosen), call.entries.map { Array($0.suffix(count)) })
  }

  private static func random(_ call: Invocation) -> Outcome {
    guard let items = call.items, let index = items.indices.randomElement(using: &call.engine.random) else {
      return .text(Double.random(in: 0..<100_000, using: &call.engine.random).description)
    }
    return one(index, of: items, call.entries)
  }

  /// Each item once, with its data.
  static func distinct(_ call: Invocation) throws -> Outcome {
    var seen: Set<Value> = []
    var places: [Int] = []
    let items = try call.needItems()
    if call.quirks.contains(.oddSets) {
      // There, the data are made distinct by themselves, and nothing has no value.
      func distinct(_ values: [Value]) -> Value {
        var seen: Set<Value> = []
        let once = values.filter { seen.insert($0.unmarked).inserted }
        return once.isEmpty ? .null : .list(once)
      }
      return .record(.init(distinct(items), data: call.entries.map(distinct) ?? .null))
    }
    for (place, item) in items.enumerated() where seen.insert(item.unmarked).inserted { places.append(place) }
    return reordered(items, call.entries, by: places)
  }

  private static func sum(_ call: Invocation) throws -> Outcome {
    let items = try call.needItems()
    guard let value = total(items) else {
      let odd = items.first { total([$0]) == nil }
      throw Raised("\(odd?.text ?? "") is no number")
    }
    guard call.quirks.contains(.inventsData) else { return .record(.init(value)) }
    // There, the data are added up as well.
    guard let dataTotal = total(call.entries ?? []) else { throw Raised("the data are no numbers") }
    return .record(.init(value, data: dataTotal))
  }

  private static func total(_ items: [Value]) -> Value? {
    var sum: Int64 = 0
    var decimal: Double?
    for item in items {
      let number = item.stringValue.flatMap { NumberText.parse($0.trimmed) } ?? item.unmarked
      switch number {
      case .int(let value):
        let (next, overflow) = sum.addingReportingOverflow(value)
        if overflow { decimal = (decimal ?? 0) + Double(value) } else { sum = next }
      case .double(let value): decimal = (decimal ?? 0) + value
      default: return nil
      }
    }
    return decimal.map { .double($0 + Double(sum)) } ?? .int(sum)
  }

  private static func flattened(_ items: [Value], lines: Bool) -> [Value] {
    items.flatMap { item -> [Value] in
      switch item.unmarked {
      case .list(let inner): flattened(inner, lines: lines)
      case .string(let text) where lines: (Formatting.lineCollection(text) ?? [text]).map(Value.string)
      default: [item]
      }
    }
  }

  // MARK: grep

  /// The places within `around` of each hit, once each, in order.
  public static func placesAround(_ hits: [Int], _ around: Int, count: Int) -> [Int] {
    var places: [Int] = []
    for hit in hits {
      let low = max(hit - min(around, hit), (places.last ?? -1) + 1)
      let high = min(hit + min(around, count), count - 1)
      if low <= high { places += low...high }
    }
    return places
  }

  private static func grep(
    _ call: Invocation, _ source: String, inverted: Bool = false, around: Int = 0
  ) throws -> Outcome {
    let items = try call.needItems()
    let pattern = try Pattern(source, ignoringCase: true)
    var places: [Int] = []
    for (place, item) in items.enumerated()
    where try leavesMatch(item, pattern, call.context.allowance) != inverted { places.append(place) }
    places = placesAround(places, around, count: items.count)
    if call.quirks.contains(.strictData), let entries = call.entries, let last = places.last, last >= entries.count {
      throw Raised("there are \(entries.count) data for \(items.count) items")
    }
    return reordered(items, call.entries, by: places)
  }

  private static func leavesMatch(_ item: Value, _ pattern: Pattern, _ allowance: Allowance) throws -> Bool {
    switch item.unmarked {
    case .list(let items): try items.contains { try leavesMatch($0, pattern, allowance) }
    case .map(let map): try map.contains { try leavesMatch($0.value, pattern, allowance) }
    default: try PatternSearch.occurs(pattern, in: item.text, allowance)
    }
  }

  private static func pick(_ call: Invocation, _ place: Int) throws -> Outcome {
    guard let opts = call.opts, let items = Formatting.pick(place, of: opts) else {
      return .record(.init([], data: call.data, dataCollection: call.dataCollection))
    }
    if call.quirks.contains(.strictData), let odd = Formatting.firstUnlikeText(in: opts) {
      throw Raised("\(JSONText.print(odd)) is no text")
    }
    return .record(.init(.list(items), data: call.data, dataCollection: call.dataCollection))
  }
}

extension Invocation {
  /// The entries of data that belong to the items of the piped collection.
  var entries: [Value]? { dataCollection?.items }

  /// The entries; none, where the original makes up data.
  var inventedEntries: [Value]? { entries ?? (quirks.contains(.inventsData) ? [] : nil) }

  /// Whether `data` came with the pipe, instead of standing for the value before.
  var hasOwnData: Bool { data != raw.unsuppressed }
}
