/// Whose packages are meant. The raw value is what titles, branches and configuration say; it is the name that GitHub's own updater uses.
public enum Ecosystem: String, Sendable, Hashable, CaseIterable, Codable {
  case pip, npm, cargo, docker, bundler, gomod, swift, maven, gradle, nuget, composer, mix, pub, terraform, helm, conda,
    elm
  case githubActions = "github-actions"
  case gitSubmodule = "gitsubmodule"
}
