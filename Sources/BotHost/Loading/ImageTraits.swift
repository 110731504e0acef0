import CELF

/// What an object holds that decides whether it may be unmapped.
struct ImageTraits {
  private(set) var reasons: [PinReason] = []
  private(set) var holdsSwift = false
  private(set) var holdsGo = false

  /// Functions that leave the process with a pointer into whoever called them. An image that uses one could be proved
  /// harmless only by running it for ever.
  private static let leaving: Set<String> = [
    "pthread_create", "thrd_create", "clone", "pthread_key_create", "tss_create", "sigaction", "signal", "sigset",
    "sysv_signal",
    "bsd_signal", "timer_create", "on_exit", "__cxa_thread_atexit_impl", "__cxa_thread_atexit", "__cxa_at_quick_exit",
    "register_printf_function", "register_printf_specifier", "pthread_setspecific", "set_terminate",
    "_ZSt13set_terminatePFvvE",
    "_ZSt15set_new_handlerPFvvE",
  ]

  init(of file: ELFFile, name: String) {
    var unique = 0
    var firstUnique = ""
    var left: [String] = []
    var swiftSymbols = false
    try? file.forEachSymbol { symbol in
      if symbol.isDefined {
        if symbol.binding == STB_GNU_UNIQUE {
          if unique == 0 { firstUnique = symbol.name }
          unique += 1
        }
      } else {
        if symbol.hasPrefix("swift_") {
          swiftSymbols = true
        } else if symbol.kind != STT_OBJECT {
          let name = symbol.name
          if Self.leaving.contains(name) { left.append(name) }
        }
      }
    }
    let sections = file.sections
    // To need Swift's libraries is not to hold Swift: when they would come with the image, they have sections of
    // their own.
    holdsSwift = swiftSymbols || sections?.contains { $0.hasPrefix("swift5_") } == true
    holdsGo = sections?.contains { $0 == ".go.buildinfo" || $0 == ".note.go.buildid" } == true

    if holdsSwift { reasons.append(.swift(object: name)) }
    if holdsGo { reasons.append(.go(object: name)) }
    if unique > 0 { reasons.append(.uniqueSymbols(object: name, first: firstUnique, count: unique)) }
    if file.flags1 & UInt64(DF_1_NODELETE) != 0 { reasons.append(.noDelete(object: name)) }
    for function in left.sorted() { reasons.append(.leavesPointers(object: name, function: function)) }
    if sections == nil { reasons.append(.unprovable(object: name)) }
  }
}
