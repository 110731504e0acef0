/// A program that is to be run for a command; no shell is between.
public struct ProgramRun: Sendable, Hashable {
  /// What answers and failures call it: the machine on which it runs, or the command.
  public var name: String
  /// The program's path.
  public var program: String
  public var arguments: [String]
  /// What it reads; nil: nothing.
  public var input: String?
  /// The variables of the host's environment that it may see.
  public var environment: [String]
  /// The status with which it says that it could not even begin; nil: there is none.
  public var unstarted: Int32?
}
