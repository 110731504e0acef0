/// Addresses of pictures, which chats show instead of spelling them out.
public enum ImageLink {
  private static let extensions = ["jpg", "jpeg", "png", "gif", "webp", "svg"]

  /// Whether the text is an address whose path, or a part of its query, ends like a picture's name.
  public static func isImage(_ text: String) -> Bool {
    guard text.hasPrefix("http://") || text.hasPrefix("https://"), !text.utf8.contains(0x20) else { return false }
    return text.lowercased().split(whereSeparator: { "?&#".contains($0) }).contains { part in
      extensions.contains { part.hasSuffix("." + $0) }
    }
  }
}
