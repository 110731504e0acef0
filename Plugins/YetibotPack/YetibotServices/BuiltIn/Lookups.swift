import YetibotEngine

extension BuiltInServices {
  static let lookups: [(name: String, value: Value)] = [
    ("google", google), ("weather", weather), ("wolfram", wolfram), ("wiki", wiki), ("stock", stock),
    ("twitter", twitter), ("slack", slack), ("discord", discord),
  ]

  /// Custom Search JSON API. The engine's id is no secret but belongs to the key, so that both are one: `key&cx=id`.
  private static let google: Value = [
    "category": ["info"], "address": .string(Addresses.google), "secret": ["query": "key", "setting": "google_key"],
    "forms": [
      [
        "usage": "google image <words> # the address of a picture of it", "match": #"^\s*image\s+(\S.*)$"#,
        "url": "{{base}}/customsearch/v1?searchType=image&num=10&cx={{setting.google_engine}}&q={{match.1}}",
        "pick": "$.items", "choose": "first", "item": "{{link}}", "failed": "$.error.message",
      ],
      [
        "usage": "google <words> # what the web says about it", "match": #"^\s*(\S.*)$"#,
        "url": "{{base}}/customsearch/v1?num=5&cx={{setting.google_engine}}&q={{match.1}}", "pick": "$.items",
        "limit": 5,
        "item": "{{title}} {{link}}", "failed": "$.error.message",
      ],
    ],
  ]

  /// Weatherbit.
  private static let weather: Value = [
    "category": ["info"], "address": .string(Addresses.weather), "secret": ["query": "key", "setting": "weather_key"],
    "forms": [
      [
        "usage": "weather forecast <city> # the coming days there", "match": #"^\s*forecast\s+(\S.*)$"#,
        "url": "{{base}}/v2.0/forecast/daily?days=5&city={{match.1}}", "pick": "$.data", "failed": "$.error",
        "item": "{{datetime}}: {{weather.description}}, {{min_temp}} to {{max_temp}} °C",
      ],
      [
        "usage": "weather <zip code>[, <country>] # the weather there now",
        "match": #"^\s*(\d[\w -]*\d)\s*(?:,\s*([A-Za-z]{2}))?\s*$"#,
        "url": #"{{base}}/v2.0/current?postal_code={{match.1}}&country={{match.2|default:"US"}}"#, "pick": "$.data",
        "choose": "first", "failed": "$.error",
        "item":
          "{{city_name}}: {{weather.description}}, {{temp}} °C, feels like {{app_temp}} °C, wind {{wind_spd}} m/s",
      ],
      [
        "usage": "weather <city>[, <country>] # the weather there now", "match": #"^\s*(\S.*)$"#,
        "url": "{{base}}/v2.0/current?city={{match.1}}", "pick": "$.data", "choose": "first", "failed": "$.error",
        "item":
          "{{city_name}}: {{weather.description}}, {{temp}} °C, feels like {{app_temp}} °C, wind {{wind_spd}} m/s",
        "none": "nobody knows the weather of {{match.1}}",
      ],
    ],
  ]

  /// The Short Answers API.
  private static let wolfram: Value = [
    "category": ["info"], "address": .string(Addresses.wolfram),
    "secret": ["query": "appid", "setting": "wolfram_key"],
    "usage": "wolfram <question> # what Wolfram Alpha makes of it", "match": #"^\s*(\S.*)$"#,
    "url": "{{base}}/v1/result?i={{match.1}}", "format": "text",
  ]

  /// MediaWiki's REST API.
  private static let wiki: Value = [
    "category": ["info"], "address": .string(Addresses.wiki), "usage": "wiki <words> # articles about it",
    "match": #"^\s*(\S.*)$"#, "url": "{{base}}/w/rest.php/v1/search/page?limit=5&q={{match.1}}", "pick": "$.pages",
    "item": #"{{title}}{% if description %}: {{description}}{% endif %} {{base}}/wiki/{{key}}"#, "failed": "$.message",
    "none": "there is no article about {{match.1}}",
  ]

  private static let stock: Value = [
    "category": ["info"], "address": .string(Addresses.stock), "secret": ["query": "apikey", "setting": "stock_key"],
    "forms": [
      [
        "usage": "stock search <words> # the symbols of companies of that name", "match": #"^\s*search\s+(\S.*)$"#,
        "url": "{{base}}/query?function=SYMBOL_SEARCH&keywords={{match.1}}", "pick": "$.bestMatches",
        "item": #"{{.|get:"1. symbol"}}: {{.|get:"2. name"}}"#, "failed": "$.Information",
      ],
      [
        "usage": "stock <symbol> # the price of a share", "match": #"^\s*([\w.^=-]+)\s*$"#,
        "url": "{{base}}/query?function=GLOBAL_QUOTE&symbol={{match.1}}", "pick": #"$["Global Quote"]"#,
        "item":
          #"{{.|get:"01. symbol"}}: {{.|get:"05. price"}} ({{.|get:"10. change percent"}}, {{.|get:"07. latest trading day"}})"#,
        "failed": "$.Information", "none": "there is no share {{match.1}}",
      ],
    ],
  ]

  private static let twitter: Value = [
    "category": ["info"], "address": .string(Addresses.twitter),
    "secret": ["header": "Authorization", "prefix": "Bearer ", "setting": "twitter_token"],
    "forms": [
      [
        "usage": "twitter show <user> # what somebody said last", "match": #"^\s*(?:show|display)\s+@?(\w+)\s*$"#,
        "steps": [
          [
            "as": "person", "url": "{{base}}/2/users/by/username/{{match.1}}", "pick": "$.data",
            "failed": "$.errors[0].detail",
          ],
          [
            "url": "{{base}}/2/users/{{person.id}}/tweets?max_results=10", "pick": "$.data", "limit": 10,
            "item": "{{text}}",
            "failed": "$.errors[0].detail", "none": "{{match.1}} has said nothing",
          ],
        ],
      ],
      [
        "usage": "twitter search <words> # what is said about it", "match": #"^\s*search\s+(\S.*)$"#,
        "url": "{{base}}/2/tweets/search/recent?max_results=10&query={{match.1}}", "pick": "$.data", "limit": 10,
        "item": "{{text}}", "failed": "$.errors[0].message",
      ],
    ],
  ]

  private static let slack: Value = [
    "category": ["info"], "address": .string(Addresses.slack),
    "secret": ["header": "Authorization", "prefix": "Bearer ", "setting": "slack_token"],
    "usage": "slack emoji # the emoji of a Slack workspace", "match": #"^\s*emoji\s*$"#,
    "url": "{{base}}/api/emoji.list",
    "pick": "$.emoji", "failed": "$.error",
  ]

  private static let discord: Value = [
    "category": ["info"], "address": .string(Addresses.discord),
    "secret": ["header": "Authorization", "prefix": "Bot ", "setting": "discord_token"],
    "usage": "discord emoji <server id> # the emoji of a Discord server", "match": #"^\s*emoji\s+(\d+)\s*$"#,
    "url": "{{base}}/api/v10/guilds/{{match.1}}/emojis", "pick": "$",
    "item": ":{{name}}: https://cdn.discordapp.com/emojis/{{id}}.png", "limit": 100, "failed": "$.message",
    "none": "the server has no emoji of its own",
  ]
}
