/// The subcommands, in the order in which help lists them.
enum Commands {
  static var all: [any Command.Type] {
    [
      RunCommand.self, NewCommand.self, CheckCommand.self, VerifyCommand.self, CompileCommand.self, PlanCommand.self,
      DraftCommand.self, PsCommand.self,
      CallCommand.self, PublishCommand.self, TailCommand.self,
      SwapCommand.self, StartCommand.self, StopCommand.self, RestartCommand.self, DeadCommand.self, MetricsCommand.self,
      CompletionsCommand.self,
    ]
  }
}
