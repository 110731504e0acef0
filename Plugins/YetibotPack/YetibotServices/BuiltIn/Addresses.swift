/// Where the ready services are: the one place to change when one moves. An operator changes it with `addresses`.
enum Addresses {
  static let chuck = "https://api.chucknorris.io"
  static let discord = "https://discord.com"
  static let gh = "https://api.github.com"
  static let giphy = "https://api.giphy.com"
  static let google = "https://www.googleapis.com"
  static let meme = "https://api.memegen.link"
  static let pd = "https://api.pagerduty.com"
  static let rhyme = "https://api.datamuse.com"
  static let slack = "https://slack.com"
  static let stock = "https://www.alphavantage.co"
  static let twitter = "https://api.twitter.com"
  static let urban = "https://api.urbandictionary.com"
  static let weather = "https://api.weatherbit.io"
  static let wiki = "https://en.wikipedia.org"
  static let wolfram = "https://api.wolframalpha.com"
  static let xkcd = "https://xkcd.com"
}
