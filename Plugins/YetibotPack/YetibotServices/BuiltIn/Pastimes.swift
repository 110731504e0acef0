import YetibotEngine

extension BuiltInServices {
  static let pastimes: [(name: String, value: Value)] = [
    ("rhyme", rhyme), ("chuck", chuck), ("meme", meme), ("giphy", giphy), ("urban", urban), ("xkcd", xkcd),
  ]

  /// Datamuse: no secret.
  private static let rhyme: Value = [
    "category": ["fun", "info"], "address": .string(Addresses.rhyme),
    "usage": "rhyme <word> # words that rhyme with it", "match": #"^\s*(\S+)\s*$"#,
    "url": "{{base}}/words?rel_rhy={{match.1}}", "item": "{{word}}", "limit": 20,
    "none": "nothing rhymes with {{match.1}}",
  ]

  private static let chuck: Value = [
    "category": ["fun"], "address": .string(Addresses.chuck),
    "forms": [
      [
        "usage": "chuck # a joke about Chuck Norris", "match": #"^\s*$"#, "url": "{{base}}/jokes/random",
        "item": "{{value}}",
        "failed": "$.message",
      ],
      [
        "usage": "chuck <words> # a joke with these words", "match": #"^\s*(\S.*)$"#,
        "url": "{{base}}/jokes/search?query={{match.1}}", "pick": "$.result", "choose": "random", "item": "{{value}}",
        "failed": "$.message",
      ],
    ],
  ]

  /// How Memegen wants a text in an address.
  private static let memeText =
    #"replace:"_":"__"|replace:"-":"--"|urlescape|replace:"+":"_"|replace:"%3F":"~q"|replace:"%25":"~p"|replace:"%23":"~h""#

  /// Memegen: the picture is made when somebody looks at the address.
  private static let meme: Value = [
    "category": ["fun", "img", "meme"], "address": .string(Addresses.meme),
    "forms": [
      [
        "usage": "meme list [<words>] # the memes that there are", "match": #"^\s*list(?:\s+(\S.*))?$"#,
        "url": "{{base}}/templates?filter={{match.1}}", "item": "{{id}}: {{name}}", "limit": 50,
      ],
      [
        "usage": "meme preview <meme> # an empty one", "match": #"^\s*preview\s+(\S.*)$"#,
        "url": "{{base}}/templates?filter={{match.1}}", "choose": "first", "item": "{{blank}}",
        "none": "there is no meme {{match.1}}; see meme list",
      ],
      [
        "usage": "meme <meme>: <above> / <below> # a meme with a text",
        "match": #"^\s*([^:]+?)\s*:\s*([^/]+?)\s*(?:/\s*(.*?)\s*)?$"#,
        "url": "{{base}}/templates?filter={{match.1}}", "choose": "first",
        "item": .string(
          "{{base}}/images/{{id}}/{{match.2|\(memeText)}}/{{match.3|default-if-empty:\" \"|\(memeText)}}.png"),
        "none": "there is no meme {{match.1}}; see meme list",
      ],
    ],
  ]

  private static let giphy: Value = [
    "category": ["fun", "gif", "img"], "address": .string(Addresses.giphy),
    "secret": ["query": "api_key", "setting": "giphy_key"],
    "forms": [
      [
        "usage": "giphy trending # a picture that many look at now", "match": #"^\s*trending\s*$"#,
        "url": "{{base}}/v1/gifs/trending?limit=25", "pick": "$.data", "choose": "random",
        "item": "{{images.original.url}}", "failed": "$.message",
      ],
      [
        "usage": "giphy random # any moving picture", "match": #"^\s*random\s*$"#, "url": "{{base}}/v1/gifs/random",
        "pick": "$.data", "item": "{{images.original.url}}", "failed": "$.message",
      ],
      [
        "usage": "giphy <words> # a moving picture of it", "match": #"^\s*(\S.*)$"#,
        "url": "{{base}}/v1/gifs/search?limit=25&q={{match.1}}", "pick": "$.data", "choose": "random",
        "item": "{{images.original.url}}", "failed": "$.message",
      ],
    ],
  ]

  private static let urban: Value = [
    "category": ["crude", "fun", "info"], "address": .string(Addresses.urban),
    "forms": [
      [
        "usage": "urban random # any word of the street", "match": #"^\s*random\s*$"#, "url": "{{base}}/v0/random",
        "pick": "$.list", "choose": "first",
        "item": #"{{word}}: {{definition|replace:"[":""|replace:"]":""|abbreviate:400}}"#,
      ],
      [
        "usage": "urban <words> # what they mean on the street", "match": #"^\s*(\S.*)$"#,
        "url": "{{base}}/v0/define?term={{match.1}}", "pick": "$.list", "limit": 3,
        "item": #"{{word}}: {{definition|replace:"[":""|replace:"]":""|abbreviate:400}}"#,
        "none": "nobody has said what {{match.1}} means",
      ],
    ],
  ]

  private static let xkcd: Value = [
    "category": ["fun", "img"], "address": .string(Addresses.xkcd),
    "forms": [
      [
        "usage": "xkcd # today's comic strip", "match": #"^\s*$"#, "url": "{{base}}/info.0.json",
        "item": "{{img}}\n{{num}}: {{title}}. {{alt}}",
      ],
      [
        "usage": "xkcd <number> # the comic strip of that number", "match": #"^\s*(\d+)\s*$"#,
        "url": "{{base}}/{{match.1}}/info.0.json", "item": "{{img}}\n{{num}}: {{title}}. {{alt}}",
      ],
    ],
  ]
}
