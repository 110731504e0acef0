/// The words of titles: what each is for. It is data alone; the grammar is elsewhere.
enum TitleWords {
  enum Verb: Sendable {
    /// `needsVersion`: without one it is no request for an update (`raise`, `switch` and `move` mean much else).
    case update(needsVersion: Bool)
    case pin, unpin, downgrade, remove
    /// Of updates: `apply all patch updates`.
    case apply
  }

  static let verbs: [String: Verb] = [
    "update": .update(needsVersion: false), "upgrade": .update(needsVersion: false),
    "bump": .update(needsVersion: false), "up": .update(needsVersion: true), "raise": .update(needsVersion: true),
    "increase": .update(needsVersion: true), "move": .update(needsVersion: true), "switch": .update(needsVersion: true),
    "require": .update(needsVersion: true), "pin": .pin, "lock": .pin, "freeze": .pin, "set": .pin, "unpin": .unpin,
    "unlock": .unpin, "unfreeze": .unpin, "downgrade": .downgrade, "revert": .downgrade, "rollback": .downgrade,
    "roll-back": .downgrade, "remove": .remove, "drop": .remove, "uninstall": .remove, "apply": .apply,
    "install": .apply,
  ]

  // MARK: Around a request

  /// What stands before a colon and says nothing about the request: the types of conventional commits, and labels.
  static let prefixes: Set<String> = [
    "build", "chore", "ci", "deps", "dep", "dependencies", "dependency", "feat", "feature", "fix", "bugfix", "hotfix",
    "improvement", "maintenance", "maint", "misc", "perf", "refactor", "request", "style", "task", "tech-debt", "test",
    "tests", "todo", "update", "upgrade", "urgent", "important", "security", "sec", "vuln",
  ]
  /// Before a colon: what follows is a report or a talk, not a request.
  static let talkPrefixes: Set<String> = [
    "bug", "crash", "discuss", "discussion", "doc", "docs", "documentation", "error", "failure", "faq", "help", "idea",
    "meta", "poll", "problem", "proposal", "question", "q", "regression", "rfc", "story", "support", "tutorial", "wip",
  ]
  /// In front of a request, each as words; the longer ones first.
  static let courtesies: [[String]] = [
    ["it", "is", "time", "to"], ["it's", "time", "to"], ["i", "would", "like", "to"], ["i'd", "like", "to"],
    ["we'd", "like", "to"], ["we", "would", "like", "to"], ["we", "need", "to"], ["we", "have", "to"],
    ["we", "want", "to"], ["we", "ought", "to"], ["you", "should"], ["we", "should"], ["we", "must"],
    ["someone", "should"], ["can", "you"], ["can", "we"], ["can", "someone"], ["can", "somebody"], ["can", "anyone"],
    ["could", "you"], ["could", "we"], ["could", "someone"], ["could", "somebody"], ["would", "you"],
    ["would", "someone"], ["would", "we"], ["time", "to"], ["need", "to"], ["needs", "to"], ["have", "to"],
    ["want", "to"], ["let", "us"], ["let's"], ["lets"], ["please"], ["pls"], ["plz"], ["kindly"], ["must"],
    ["should"], ["hi"], ["hey"], ["hello"], ["dear", "bot"], ["bot"], ["just"], ["also"], ["simply"], ["urgently"],
  ]
  /// Behind a request.
  static let closings: Set<String> = [
    "please", "pls", "plz", "thanks", "thx", "asap", "now", "today", "soon", "urgently", "again", "everywhere",
    "immediately", "only", "too", "accordingly", "manually", "automatically",
  ]
  static let closingPhrases: [[String]] = [["thank", "you"], ["if", "possible"], ["when", "possible"]]
  /// A title that begins so asks or tells, and requests nothing.
  static let questions: Set<String> = [
    "how", "why", "what", "when", "where", "which", "who", "whether", "is", "are", "was", "were", "does", "do", "did",
    "has", "have", "had", "will", "shall", "may",
  ]
  static let negations: Set<String> = [
    "don't", "dont", "do-not", "never", "not", "no", "cannot", "can't", "won't", "shouldn't", "avoid", "stop",
    "without", "unable", "refuse", "mustn't",
  ]
  /// Words that take a request half back.
  static let hedges: Set<String> = [
    "maybe", "perhaps", "possibly", "probably", "might", "eventually", "someday", "sometime", "unsure", "guess",
    "consider", "considering", "roughly", "approximately", "around", "ideally", "preferably", "either", "somehow",
  ]
  static let hedgePhrases: [[String]] = [
    ["i", "think", "we", "should"], ["i", "think", "we"], ["i", "think"], ["not", "sure", "if"], ["not", "sure"],
    ["would", "be", "nice", "to"], ["would", "be", "good", "to"], ["it", "would", "be", "nice", "to"],
    ["it", "would", "be", "good", "to"], ["if", "needed"],
    ["if", "necessary"], ["or", "so"], ["or", "something"], ["we", "could"], ["at", "some", "point"],
  ]
  /// From here on a title gives reasons or conditions; what follows is not part of the request.
  static let reasons: Set<String> = [
    "because", "since", "as", "due", "so", "for", "until", "till", "before", "after", "while", "when", "once", "per",
    "thanks", "given", "unless", "cause", "cuz", "bc",
  ]
  /// `to` and one of these begins a reason: `to fix CVE-2024-1`.
  static let purposes: Set<String> = [
    "fix", "resolve", "address", "avoid", "get", "mitigate", "patch", "support", "close", "prevent", "solve",
    "unblock", "remediate", "include", "enable", "allow", "have", "use", "match", "make", "ensure", "keep", "remove",
    "silence", "satisfy", "stay", "be",
  ]
  /// A remark behind a dash that has one of these is about something that happened.
  static let failures: Set<String> = [
    "fail", "fails", "failed", "failing", "failure", "break", "breaks", "broke", "breaking", "crash", "crashes",
    "crashed", "error", "errors", "hangs", "stuck", "impossible", "doesn't", "cannot", "can't",
  ]

  // MARK: In a noun phrase

  static let articles: Set<String> = [
    "the", "a", "an", "our", "my", "your", "their", "its", "of", "on", "following", "named", "called",
  ]
  /// What a package is called, in the singular.
  static let nouns: Set<String> = [
    "package", "dependency", "dep", "library", "lib", "module", "requirement", "version", "crate", "gem", "image",
    "action", "plugin", "framework", "project", "pin", "release", "chart", "provider", "base", "sdk", "pkg",
  ]
  static let plurals: Set<String> = [
    "dependencies", "deps", "packages", "requirements", "libraries", "libs", "modules", "crates", "gems", "images",
    "actions", "pins", "devdependencies", "dev-dependencies", "plugins", "updates", "upgrades", "versions", "releases",
    "pkgs", "components",
  ]
  /// Of what `apply` applies.
  static let updateNouns: Set<String> = ["updates", "upgrades", "bumps", "patches", "fixes"]
  static let alls: Set<String> = ["all", "everything", "every", "each", "any"]
  /// Before a plural; they change nothing.
  static let adjectives: Set<String> = [
    "outdated", "old", "older", "stale", "third-party", "external", "project", "remaining", "available", "pinned",
    "open", "pending", "existing", "current", "bundled", "direct", "used", "required", "installed", "transitive",
    "other", "python's", "runtime",
  ]
  static let securityWords: Set<String> = ["security", "vulnerable", "insecure", "vulnerability", "vulnerabilities"]
  static let developmentWords: Set<String> = [
    "dev", "development", "devdependencies", "dev-dependencies", "dev-dependency", "devdependency",
  ]
  static let levels: [String: UpdateLevel] = [
    "major": .major, "minor": .minor, "patch": .patch, "bugfix": .patch, "micro": .patch,
    "non-major": .minor,
  ]
  static let preReleases: Set<String> = [
    "beta", "betas", "alpha", "alphas", "rc", "pre-release", "prerelease", "pre-releases", "prereleases", "preview",
    "nightly", "canary", "unstable", "pre", "--pre", "snapshot",
  ]
  /// They stand for something that was named elsewhere, or for nothing in particular.
  static let pronouns: Set<String> = [
    "it", "them", "this", "that", "these", "those", "something", "anything", "stuff", "things", "thing", "some",
    "several", "few", "many", "certain", "one", "both", "which", "whatever", "same",
  ]
  static let separators: Set<String> = [",", "and", "&", "+", "/", ";", "plus", "along"]
  static let exceptions: Set<String> = [
    "except", "excluding", "excl", "but", "besides", "without", "minus", "apart", "save", "exempting",
  ]

  /// Words that say whose packages are meant.
  static let ecosystems: [String: Ecosystem] = [
    "python": .pip, "pip": .pip, "pypi": .pip, "npm": .npm, "node": .npm, "nodejs": .npm, "node.js": .npm,
    "yarn": .npm, "pnpm": .npm, "javascript": .npm, "js": .npm, "typescript": .npm, "cargo": .cargo, "rust": .cargo,
    "docker": .docker, "container": .docker, "go": .gomod, "golang": .gomod, "ruby": .bundler,
    "bundler": .bundler, "rubygems": .bundler, "swift": .swift, "swiftpm": .swift, "maven": .maven, "java": .maven,
    "gradle": .gradle, "nuget": .nuget, "dotnet": .nuget, ".net": .nuget, "php": .composer, "composer": .composer,
    "elixir": .mix, "hex": .mix, "dart": .pub, "flutter": .pub, "terraform": .terraform, "helm": .helm,
    "conda": .conda, "elm": .elm, "github": .githubActions, "github-actions": .githubActions, "gha": .githubActions,
  ]
  /// Those of them that are also packages of their own: `the pip package` is pip.
  static let packagedTools: Set<String> = ["pip", "npm", "yarn", "pnpm", "bundler", "composer", "typescript", "cargo"]
  /// Nouns that say so, too.
  static let nounEcosystems: [String: Ecosystem] = [
    "crate": .cargo, "crates": .cargo, "gem": .bundler, "gems": .bundler, "image": .docker, "images": .docker,
    "action": .githubActions, "actions": .githubActions, "chart": .helm,
  ]

  // MARK: Values

  static let latest: Set<String> = ["latest", "newest", "recent", "current", "newer", "last"]
  /// They stand beside a value and change nothing.
  static let valueFillers: Set<String> = [
    "the", "a", "an", "its", "their", "our", "version", "versions", "release", "releases", "most", "very", "stable",
    "available", "possible", "series", "branch", "line", "lts", "final", "update", "something", "anything", "any",
    "respective", "published", "tag", "supported", "compatible", "number", "upstream", "official", "public", "up",
  ]
  /// Comparisons in words, the longer ones first.
  static let comparisons: [(words: [String], operator: String)] = [
    (["greater", "than", "or", "equal", "to"], ">="), (["less", "than", "or", "equal", "to"], "<="),
    (["no", "more", "than"], "<="), (["no", "less", "than"], ">="), (["at", "least"], ">="), (["at", "most"], "<="),
    (["not", "above"], "<="), (["not", "below"], ">="), (["minimum"], ">="), (["min"], ">="), (["maximum"], "<="),
    (["less", "than"], "<"), (["lower", "than"], "<"), (["older", "than"], "<"), (["smaller", "than"], "<"),
    (["greater", "than"], ">"), (["newer", "than"], ">"), (["higher", "than"], ">"), (["later", "than"], ">"),
    (["more", "than"], ">"), (["below"], "<"), (["under"], "<"), (["above"], ">"), (["exactly"], "=="),
  ]
  /// Behind a version: that one or above.
  static let orNewer: [[String]] = [
    ["or", "newer"], ["or", "later"], ["or", "higher"], ["or", "above"], ["or", "greater"], ["or", "better"],
    ["or", "more"], ["and", "up"], ["and", "above"], ["and", "newer"], ["and", "later"], ["and", "higher"],
    ["at", "least"], ["minimum"],
  ]
  /// Behind a version: that one or below.
  static let orOlder: [[String]] = [
    ["or", "older"], ["or", "lower"], ["or", "below"], ["or", "earlier"], ["or", "less"], ["at", "most"],
  ]

  // MARK: What is no package

  /// Objects that people update and that are no packages.
  static let objects: Set<String> = [
    // Documents.
    "about", "authors", "badge", "badges", "changelog", "changes", "comment", "comments", "contributing",
    "contributors", "copyright", "description", "doc", "docs", "docstring", "docstrings", "documentation", "example",
    "examples", "faq", "guide", "guidelines", "guides", "help", "index", "instructions", "licence",
    "licenses", "license", "licensing", "link", "links", "manual", "maintainers", "news", "notes", "notice", "page",
    "pages", "policy", "post", "privacy", "readme", "references", "roadmap", "sample", "samples", "screenshot",
    "screenshots", "section", "site", "sitemap", "sponsors", "summary", "terms", "tutorial", "tutorials", "website",
    "wiki", "wording", "year", "agpl", "apache", "bsd", "gpl", "lgpl", "mit", "mpl", "code-of-conduct",
    // The project's own version and repository.
    "branch", "branches", "main", "master", "milestone", "milestones", "release", "releases", "repo", "repository",
    "tag", "tags", "trunk", "version", "versioning", "versions", "submodule", "submodules", "fork",
    "upstream", "commit", "commits", "pr", "prs", "issue", "issues", "ticket", "tickets", "label", "labels",
    "template", "templates", "codeowners", "gitignore", "editorconfig", "dockerignore", "gitattributes", "lockfile",
    "lockfiles",
    // Builds and tests.
    "cd", "ci", "ci/cd", "environment", "environments", "fixture", "formatting", "infra", "infrastructure", "jenkins",
    "job", "jobs", "lint", "linter", "linting", "makefile", "pipeline", "pipelines", "script", "scripts", "snapshots",
    "test", "testing", "tests", "travis", "workflow", "workflows", "hook", "hooks", "deployment", "deployments",
    // What people see.
    "avatar", "background", "banner", "button", "buttons", "color", "colors", "colour", "colours", "css", "dashboard",
    "dialog", "favicon", "footer", "form", "forms", "gui", "header", "headers", "heading", "homepage", "icon", "icons",
    "layout", "logo", "menu", "menus", "message", "messages", "modal", "nav", "navbar", "navigation", "popup",
    "sidebar", "strings", "stylesheet", "style", "styles", "styling", "text", "texts", "theme", "themes", "title",
    "titles", "tooltip", "translation", "translations", "typo", "typos", "ui", "ux", "widget", "widgets",
    // Code and data.
    "api", "apis", "app", "application", "backend", "behavior", "behaviour", "class", "classes", "client", "code",
    "codebase", "configuration", "configurations", "constant", "constants", "content", "contents", "data", "database",
    "dataset", "datasets", "db", "default", "defaults", "endpoint", "endpoints", "enum", "error", "errors", "exception",
    "exceptions", "feature", "features", "field", "fields", "file", "files", "folder", "frontend", "function",
    "functionality", "functions", "handler", "handlers", "handling", "implementation", "import", "imports",
    "interface", "interfaces", "limit", "limits", "log", "logic", "logs", "metadata", "method", "methods", "migration",
    "migrations", "model", "models", "options", "order", "parameter", "parameters", "params", "parser", "permission",
    "permissions", "price", "prices", "query", "queries", "route", "routes", "server", "servers", "service",
    "services", "setup", "state", "status", "structure", "support", "syntax", "system", "table", "threshold",
    "timeout", "type", "types", "url", "urls", "usage", "user", "users", "value", "values", "variable", "variables",
    "view", "views", "warning", "warnings", "workaround",
    // People and their affairs.
    "account", "accounts", "address", "bot", "contact", "email", "emails", "info", "information", "details",
    "password", "passwords", "process", "profile", "profiles", "role", "roles", "rules", "secrets",
    "credentials", "team", "token", "tokens", "certificate", "certificates", "key", "keys", "name", "names", "list",
    "date", "dates", "time", "production", "staging", "prod", "conversation", "conversations", "thread", "threads",
    "path", "paths",
    // What follows “update” where that is a noun.
    "available", "bug", "bugs", "check", "checker", "checks", "day", "loop", "mechanism", "necessary", "needed",
    "notification", "notifications", "plan", "problem", "problems", "progress", "required", "strategy", "window",
    "working", "wizard",
  ]
  /// Names of packages that are words of the trade, too: without a version they are no packages.
  static let ambiguousObjects: Set<String> = [
    "build", "config", "fixtures", "history", "logging", "routes", "schedule", "schema", "schemas", "semver",
    "settings", "tables",
  ]
  /// The beginnings of files that are documents or settings of the repository.
  static let objectFiles: Set<String> = [
    "readme", "changelog", "license", "licence", "contributing", "authors", "notice", "security", "code_of_conduct",
    "codeowners", "makefile", ".gitignore", ".editorconfig", ".dockerignore", ".gitattributes", ".travis",
    "jenkinsfile",
    "package-lock", "yarn", "pnpm-lock", "poetry", "pipfile", "cargo", "go", "gemfile", "composer", "uv", "pdm",
  ]
  /// Files that hold a project's requirements, besides those that are read (see ``ManifestFormat``).
  static let manifestFiles: Set<String> = [
    "package.json", "pyproject.toml", "setup.py", "setup.cfg", "pipfile", "environment.yml", "cargo.toml", "go.mod",
    "gemfile", "package.swift", "dockerfile", "docker-compose.yml", "docker-compose.yaml", "pom.xml", "build.gradle",
    "build.gradle.kts", "composer.json", "mix.exs", "pubspec.yaml", "build.sbt", "tox.ini",
  ]
}
