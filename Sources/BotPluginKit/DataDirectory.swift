import Glibc

extension Host {
  /// Makes ``dataDirectory`` where it is not there yet, for its owner alone, and gives its path back.
  ///
  /// - Throws: `internal` when it cannot be made.
  public func makeDataDirectory() throws(PluginError) -> String {
    var path = dataDirectory.hasPrefix("/") ? "" : "."
    for part in dataDirectory.split(separator: "/") {
      path += "/" + part
      if mkdir(path, 0o700) != 0, errno != EEXIST {
        throw .internal("\(path) cannot be made: \(String(cString: strerror(errno)))")
      }
    }
    return dataDirectory
  }
}
