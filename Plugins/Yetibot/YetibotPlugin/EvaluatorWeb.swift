import BotPluginKit
import YetibotEngine

/// The requests of a web server.
extension Evaluator {
  func serve(_ request: WebRequest, _ call: PendingCall) {
    do {
      switch request {
      case .graphQL(let request):
        let person = request.user.map { ChatPerson(id: $0, name: request.userName ?? $0, roles: request.roles ?? []) }
        let answer = engine.graphQL(
          request.query, variables: request.variables?.value ?? .null, operation: request.operation,
          person: person ?? Yetibot.webPerson, place: ChatPlace(adapter: "web", instance: "web", room: "web"))
        try checkInterruption()
        try call.reply(JSONBox(answer))
      case .api(let request):
        let answer = engine.api(request.parameters)
        try checkInterruption()
        if let place = answer.place {
          try speak(answer.posts, address(of: place), call.token)
        }
        try call.reply(APIAnswer(text: answer.text))
      case .status:
        let adapters = engine.adapters
        // The store is up when it takes a write.
        let isStorageUp = (try? together { true }) ?? false
        let health = WebHealth(isStorageUp: isStorageUp, adapters: adapters.map(\.isConnected))
        try call.reply(
          StatusAnswer(
            status: health.status, storage: health.isStorageUp,
            adapters: adapters.map { .init(platform: $0.platform, instance: $0.instance, connected: $0.isConnected) }))
      case .webhook(let request):
        let platform = try Platform(named: request.platform)
        guard
          let incoming = try Webhook.read(
            request.payload.value, from: platform, instance: request.instance ?? platform.rawValue)
        else {
          try call.reply(WebhookAnswer(calls: JSONBox([])))
          return
        }
        let posts = try together { engine.handle(incoming.event) }
        try checkInterruption()
        try call.reply(
          WebhookAnswer(
            calls: JSONBox(
              .list(
                Webhook.calls(for: posts, answering: incoming, on: platform, request.configuration?.value ?? .null)))))
      }
    } catch let error as PluginError {
      try? call.fail(error)
    } catch {
      try? call.fail(PluginError.invalid("\(error)"))
    }
  }
}
