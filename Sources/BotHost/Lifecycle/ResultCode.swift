import CBotHost

/// The result codes of the ABI in words.
enum ResultCode {
  static func name(_ code: bh_rc) -> String {
    switch Int(code) {
    case BH_OK: "done"
    case BH_ASYNC: "not done yet"
    case BH_SKIP: "skipped"
    case BH_STOP: "stopped"
    case BH_E_RETRY: "to be tried again"
    case BH_E_REJECT: "rejected"
    case BH_E_INVALID: "an argument is wrong"
    case BH_E_DENIED: "not permitted"
    case BH_E_NOTFOUND: "not found"
    case BH_E_BUSY: "busy: a limit is reached"
    case BH_E_TIMEOUT: "not done before its deadline"
    case BH_E_CANCELLED: "cancelled"
    case BH_E_STALE: "settled already, or of an older generation"
    case BH_E_NOSPACE: "no room: a quota is reached"
    case BH_E_UNSUPPORTED: "not supported"
    case BH_E_INTERNAL: "an internal fault"
    case BH_E_CONFLICT: "the revision has changed"
    case BH_E_CYCLE: "the call would wait for itself"
    default: "failed with code \(code)"
    }
  }
}
