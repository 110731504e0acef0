extension CPlugin {
  /// A plugin whose commands fail, hang, hold on until they are let go, and pass.
  static let brittle = #"""
    #include <bothost.h>
    #include <stdlib.h>
    #include <string.h>
    #include <time.h>

    struct bh_self { bh_host *host; const bh_host_api *api; bh_token held; };

    static bh_str str(const char *text) { bh_str result = {text, strlen(text)}; return result; }

    static bh_rc answer(bh_self *self, bh_token call, const char *json) {
      bh_bytes result = {(const uint8_t *)json, strlen(json)};
      return self->api->reply(self->host, call, BH_OK, result);
    }

    BH_EXPORT bh_rc fail(bh_self *self, const bh_event *call) {
      (void)call;
      self->api->set_error(self->host, BH_E_INTERNAL, str("the oven is cold"));
      return BH_E_INTERNAL;
    }

    BH_EXPORT bh_rc hang(bh_self *self, const bh_event *call) { (void)self; (void)call; return BH_ASYNC; }

    /* Stays in the call for longer than it may take. */
    BH_EXPORT bh_rc block(bh_self *self, const bh_event *call) {
      (void)call;
      while (self->api->now(self->host, BH_CLOCK_MONO) < call->deadline_mono_ns + 2000000000) {}
      return BH_SKIP;
    }

    BH_EXPORT bh_rc pass(bh_self *self, const bh_event *call) { (void)self; (void)call; return BH_SKIP; }

    BH_EXPORT bh_rc hold(bh_self *self, const bh_event *call) { self->held = call->delivery; return BH_ASYNC; }

    BH_EXPORT bh_rc held(bh_self *self, const bh_event *call) {
      return answer(self, call->delivery, self->held ? "1" : "0");
    }

    BH_EXPORT bh_rc let_go(bh_self *self, const bh_event *call) {
      answer(self, self->held, "{\"handled\":true,\"value\":\"held\"}");
      return answer(self, call->delivery, "null");
    }

    static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
      (void)start;
      bh_self *self = calloc(1, sizeof *self);
      if (self == NULL) return BH_E_INTERNAL;
      self->host = host;
      self->api = api;
      *out = self;
      return BH_OK;
    }

    static void destroy(bh_self *self) { free(self); }

    static const bh_plugin plugin = {
        .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
        .name = {"brittle", 7}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy,
    };

    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; return &plugin; }
    """#

  static let brittleManifest = """
    bothost: 1
    plugin: brittle
    version: 1.0.0
    library: libbrittle.so
    methods:
      held: {call: held}
      let_go: {call: let_go}
    hooks:
      - {method: yetibot.command, call: fail, match: {/command: fail}, about: {help: "fail # fails"}}
      - {method: yetibot.command, call: hang, match: {/command: hang}, timeout: 300ms, about: {help: "hang # hangs"}}
      - {method: yetibot.command, call: block, match: {/command: block}, timeout: 300ms, about: {help: "block # blocks"}}
      - {method: yetibot.command, call: pass, match: {/command: "upp.*"}, about: {name: upper}}
      - {method: yetibot.command, call: hold, match: {/command: hold}, timeout: 60s, about: {help: "hold # holds on"}}

    """
}
