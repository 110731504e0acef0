/// Reads issue titles.
///
/// The grammar is made for few mistakes: what does not read as a request from its first word to its last is none.
public enum TitleGrammar {
  /// The longest title that is read, in characters; a longer one is `none`.
  public static let longest = 256

  /// What a title asks for. It never fails: a title that is not understood is `none`, one that asks for something undecidable is
  /// `unclear`. It takes time in proportion to the title's length.
  public static func read(_ title: String) -> TitleRequest {
    guard TitleText.isReadable(title) else { return TitleRequest(intent: .none) }
    let text = TitleText(title)
    if text.isTalk { return TitleRequest(intent: .none, isAddressed: text.isAddressed) }
    var reader = TitleReader(text)
    return reader.read()
  }
}
