import Testing
import UpdaterRules

@Suite("Names of projects")
struct ProjectNameTests {
  @Test("Case and runs of separators do not distinguish names")
  func comparison() {
    for (one, other) in [("Flask_SQLAlchemy", "flask-sqlalchemy"), ("zope.interface", "Zope--_.Interface"), ("a", "A")]
    {
      #expect(ProjectName(one) == ProjectName(other))
    }
    #expect(ProjectName("pip") != ProjectName("pip-tools"))
    #expect(ProjectName("Flask_SQLAlchemy")?.normalized == "flask-sqlalchemy")
    #expect(ProjectName("Flask_SQLAlchemy")?.description == "Flask_SQLAlchemy")
  }

  @Test("What is no name is refused")
  func wrongNames() {
    for text in ["", "-a", "a-", ".", "_a", "a b", "a/b", "é", "a\u{0}", "١", String(repeating: "a", count: 215)] {
      #expect(ProjectName(text) == nil, "\(text)")
    }
    #expect(ProjectName(String(repeating: "a", count: 214)) != nil)
  }
}
