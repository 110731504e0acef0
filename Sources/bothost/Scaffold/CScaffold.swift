/// A plugin in C.
enum CScaffold {
  @Sendable static func files(_ scaffold: Scaffold) -> [Scaffold.File] {
    let source = "\(scaffold.name).c"
    return [
      scaffold.manifest,
      Scaffold.File(name: source, text: code.replacing("@NAME@", with: scaffold.name)),
      Scaffold.File(
        name: "Makefile",
        text: """
          # Where bothost.h lies.
          \(scaffold.includeLine)
          CFLAGS ?= -O2 -g
          LIBRARY = lib\(scaffold.typeName).so

          # Put in place by renaming: a host that runs has the old file open.
          $(LIBRARY): \(source) Makefile
          \t$(CC) -std=c99 -Wall -Wextra $(CFLAGS) -shared -fPIC -fvisibility=hidden -Wl,-Bsymbolic -Wl,-z,now -I "$(BOTHOST_INCLUDE)" -o $@.new \(source)
          \tmv $@.new $@
          \(scaffold.makeRules)
          """),
      scaffold.readme(source: source, build: "one call of the C compiler"),
    ]
  }

  private static let code = #"""
    #include <bothost.h>

    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>

    #define TEXT(literal) {literal, sizeof(literal) - 1}

    /* The plugin's object. The host enters it from one thread at a time, so nothing in it is locked. */
    struct bh_self {
      bh_host *host;
      const bh_host_api *api;
      unsigned long long messages;
    };

    /* chat.message. What it answers settles the event: BH_OK, BH_SKIP, BH_E_RETRY, BH_E_REJECT; see bothost.h. */
    BH_EXPORT bh_rc on_message(bh_self *self, const bh_event *event) {
      bh_value text = {.size = sizeof text};
      bh_str pointer = TEXT("/message/text");
      if (self->api->field(self->host, event, pointer, &text) != BH_OK || text.kind != BH_VALUE_STRING) {
        bh_str why = TEXT("a chat message has a text at /message/text");
        self->api->set_error(self->host, BH_E_REJECT, why);
        return BH_E_REJECT; /* to the dead letters, with the reason */
      }
      self->messages++;
      return BH_OK;
    }

    /* The method @NAME@.count */
    BH_EXPORT bh_rc count(bh_self *self, const bh_event *call) {
      char json[64];
      int length = snprintf(json, sizeof json, "{\"messages\":%llu}", self->messages);
      bh_bytes result = {(const uint8_t *)json, (size_t)length};
      return self->api->reply(self->host, call->delivery, BH_OK, result);
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

    /* What the next build takes over: the count in decimal digits. Raise `state_version` when this changes. */
    static bh_rc export_state(bh_self *self, uint32_t phase, uint32_t want_version, bh_writer writer, void *sink) {
      (void)phase;
      if (want_version != 1) return BH_E_UNSUPPORTED;
      char text[32];
      return writer(sink, text, (size_t)snprintf(text, sizeof text, "%llu", self->messages));
    }

    static bh_rc import_state(bh_self *self, uint32_t phase, bh_str format, uint32_t version, bh_bytes state) {
      (void)phase, (void)format;
      if (version != 1 || state.len == 0 || state.len > 19) return BH_E_UNSUPPORTED;
      unsigned long long messages = 0;
      for (size_t i = 0; i < state.len; i++) {
        if (state.ptr[i] < '0' || state.ptr[i] > '9') return BH_E_INVALID;
        messages = messages * 10 + (unsigned long long)(state.ptr[i] - '0');
      }
      self->messages = messages;
      return BH_OK;
    }

    static const bh_plugin plugin = {
        .size = sizeof(bh_plugin),
        .abi_major = BH_ABI_MAJOR,
        .abi_minor = BH_ABI_MINOR,
        .name = TEXT("@NAME@"),
        .version = TEXT("0.1.0"),
        .state_format = TEXT("@NAME@"),
        .state_version = 1,
        .create = create,
        .export_state = export_state,
        .import_state = import_state,
        .destroy = destroy,
    };

    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t host_abi_minor) {
      (void)host_abi_minor;
      return &plugin;
    }

    """#
}
