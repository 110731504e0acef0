import YetibotEngine

extension BuiltInServices {
  static let work: [(name: String, value: Value)] = [("jira", jira), ("gh", gh), ("jen", jen), ("pd", pd)]

  private static let issueLine =
    "{{key}} [{{fields.status.name}}] {{fields.summary}} ({{fields.assignee.displayName|default:nobody}})"

  /// Jira's REST API, version 2, which takes texts as they are.
  private static let jira: Value = [
    "category": ["issue"], "secret": ["basic": true, "setting": "jira_login"],
    "forms": [
      [
        "usage": "jira search <words> # issues with these words", "match": #"^\s*search\s+(\S.*)$"#,
        "url":
          #"{{base}}/rest/api/2/search/jql?maxResults=15&fields=summary,status,assignee&jql=text%20~%20%22{{match.1|replace:"%22":""}}%22"#,
        "pick": "$.issues", "item": .string(issueLine), "failed": "$.errorMessages[*]",
      ],
      [
        "usage": "jira jql <query> # issues that a query of Jira's own finds", "match": #"^\s*jql\s+(\S.*)$"#,
        "url": "{{base}}/rest/api/2/search/jql?maxResults=15&fields=summary,status,assignee&jql={{match.1}}",
        "pick": "$.issues", "item": .string(issueLine), "failed": "$.errorMessages[*]",
      ],
      [
        "usage": "jira comment <issue> <text> # says something about an issue",
        "match": #"(?s)^\s*comment\s+([A-Za-z][A-Za-z0-9_]*-\d+)\s+(\S.*)$"#,
        "url": "{{base}}/rest/api/2/issue/{{match.1}}/comment", "body": #"{"body": {{match.2|json}}}"#,
        "item": "{{match.1}}: said", "failed": "$.errorMessages[*]",
      ],
      [
        "usage": "jira <issue> # what an issue is about", "match": #"^\s*([A-Za-z][A-Za-z0-9_]*-\d+)\s*$"#,
        "url": "{{base}}/rest/api/2/issue/{{match.1}}?fields=summary,status,assignee,description",
        "item": .string(issueLine + "{% if fields.description %}\n{{fields.description|abbreviate:1000}}{% endif %}"),
        "failed": "$.errorMessages[*]",
      ],
    ],
  ]

  /// GitHub's REST API. Without a token it answers too, but seldom and about what is public.
  private static let gh: Value = [
    "category": ["ci", "issue"], "address": .string(Addresses.gh),
    "secret": ["header": "Authorization", "prefix": "Bearer ", "setting": "github_token", "required": false],
    "forms": [
      [
        "usage": "gh repos <user or organization> # its repositories", "match": #"^\s*repos\s+([\w.-]+)\s*$"#,
        "url": "{{base}}/users/{{match.1}}/repos?sort=pushed&per_page=30", "item": "{{full_name}}: {{description}}",
        "limit": 30,
        "failed": "$.message",
      ],
      [
        "usage": "gh search <words> # repositories about it", "match": #"^\s*search\s+(\S.*)$"#,
        "url": "{{base}}/search/repositories?per_page=10&q={{match.1}}", "pick": "$.items",
        "item": "{{full_name}} ({{stargazers_count}} stars): {{description}}", "failed": "$.message",
      ],
      [
        "usage": "gh issues <owner>/<repository> # what is open there",
        "match": #"^\s*issues\s+([\w.-]+)/([\w.-]+)\s*$"#,
        "url": "{{base}}/repos/{{match.1}}/{{match.2}}/issues?per_page=20",
        "item": "#{{number}} {{title}} ({{user.login}}) {{html_url}}",
        "failed": "$.message",
      ],
      [
        "usage": "gh pr <owner>/<repository> # pull requests that are open there",
        "match": #"^\s*prs?\s+([\w.-]+)/([\w.-]+)\s*$"#,
        "url": "{{base}}/repos/{{match.1}}/{{match.2}}/pulls?per_page=20",
        "item": "#{{number}} {{title}} ({{user.login}}) {{html_url}}", "failed": "$.message",
      ],
      [
        "usage": "gh releases <owner>/<repository> # its releases", "match": #"^\s*releases\s+([\w.-]+)/([\w.-]+)\s*$"#,
        "url": "{{base}}/repos/{{match.1}}/{{match.2}}/releases?per_page=10",
        "item": "{{tag_name}} ({{published_at}}) {{name}}",
        "failed": "$.message",
      ],
      [
        "usage": "gh <owner>/<repository> # what a repository is", "match": #"^\s*([\w.-]+)/([\w.-]+)\s*$"#,
        "url": "{{base}}/repos/{{match.1}}/{{match.2}}",
        "item":
          "{{full_name}}: {{description}} ({{stargazers_count}} stars, {{open_issues_count}} open issues) {{html_url}}",
        "failed": "$.message",
      ],
    ],
  ]

  private static let jen: Value = [
    "category": ["ci"], "secret": ["basic": true, "setting": "jenkins_login"],
    "forms": [
      [
        "usage": "jen list [<words>] # the jobs", "match": #"^\s*list(?:\s+(\S.*))?$"#,
        "url": "{{base}}/api/json?tree=jobs%5Bname,color,url%5D", "pick": "$.jobs",
        "find": ["field": "name", "text": "{{match.1}}"],
        "item": "{{name}}: {{color}}", "limit": 50,
      ],
      [
        "usage": "jen status <job> # how a job is", "match": #"^\s*status\s+(\S+)\s*$"#,
        "url": "{{base}}/job/{{match.1}}/lastBuild/api/json?tree=number,result,building,url,fullDisplayName",
        "item": "{{fullDisplayName}}: {% if building %}is being built{% else %}{{result}}{% endif %} {{url}}",
      ],
      [
        "usage": "jen build <job> # has a job built", "match": #"^\s*build\s+(\S+)\s*$"#, "method": "POST",
        "url": "{{base}}/job/{{match.1}}/build", "format": "address", "item": "{{match.1}} will be built",
      ],
    ],
  ]

  private static let pd: Value = [
    "category": ["infra"], "address": .string(Addresses.pd),
    "secret": ["header": "Authorization", "prefix": "Token token=", "setting": "pagerduty_token"],
    "forms": [
      [
        "usage": "pd teams [<words>] # the teams", "match": #"^\s*teams(?:\s+(\S.*))?$"#,
        "url": "{{base}}/teams?query={{match.1}}",
        "pick": "$.teams", "item": "{{id}}: {{name}}", "failed": "$.error.message",
      ],
      [
        "usage": "pd oncall # who is on call", "match": #"^\s*oncalls?\s*$"#, "url": "{{base}}/oncalls?limit=25",
        "pick": "$.oncalls", "item": "{{escalation_policy.summary}}, level {{escalation_level}}: {{user.summary}}",
        "failed": "$.error.message",
      ],
      [
        "usage": "pd incidents # what is on fire", "match": #"^\s*(?:incidents)?\s*$"#,
        "url": "{{base}}/incidents?statuses%5B%5D=triggered&statuses%5B%5D=acknowledged&limit=25",
        "pick": "$.incidents",
        "item": "#{{incident_number}} [{{status}}] {{title}} ({{service.summary}})", "failed": "$.error.message",
        "none": "nothing is on fire",
      ],
    ],
  ]
}
