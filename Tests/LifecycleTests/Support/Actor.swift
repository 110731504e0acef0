/// A plugin in C that behaves as it is told: by `mode` in its configuration, which every build reads anew from the manifest, and by its
/// method `act`. It counts the events that it has handled, and hands the count over.
enum Actor {
  static let source = #"""
    #define _DEFAULT_SOURCE
    #include <bothost.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>

    #ifndef FORMAT
    #define FORMAT "actor"
    #endif

    struct bh_self {
      bh_host *host; const bh_host_api *api; unsigned long count; char mode[32]; char label[32]; bh_token link;
      unsigned long promised, told; bh_rc last;
      char go[512];
    };

    static bh_str str(const char *text) { bh_str result = {text, strlen(text)}; return result; }

    static int is(const bh_self *self, const char *mode) { return strcmp(self->mode, mode) == 0; }

    static bh_rc refuse(bh_self *self, const char *why) {
      self->api->set_error(self->host, BH_E_INTERNAL, str(why));
      return BH_E_INTERNAL;
    }

    /* Takes a JSON string without escapes, of at most 31 bytes. */
    static bh_rc take_text(void *context, const void *bytes, size_t count) {
      char *place = context;
      const char *text = bytes;
      if (count < 2 || count - 2 >= 32) return BH_E_NOSPACE;
      memcpy(place, text + 1, count - 2);
      place[count - 2] = 0;
      return BH_OK;
    }

    BH_EXPORT bh_rc on_work(bh_self *self, const bh_event *event) {
      (void)event;
      if (is(self, "hold")) return BH_ASYNC;
      if (is(self, "fail")) return refuse(self, "told to fail");
      if (is(self, "slow")) usleep(500000);
      /* Does not return before it is let go. */
      if (is(self, "busy")) while (access(self->go, F_OK) != 0) usleep(1000);
      self->count++;
      return BH_OK;
    }

    static bh_rc answer(bh_self *self, const bh_event *call, const char *json) {
      bh_bytes result = {(const uint8_t *)json, strlen(json)};
      return self->api->reply(self->host, call->delivery, BH_OK, result);
    }

    BH_EXPORT bh_rc count(bh_self *self, const bh_event *call) {
      char json[32];
      snprintf(json, sizeof json, "%lu", self->count);
      return answer(self, call, json);
    }

    BH_EXPORT bh_rc act(bh_self *self, const bh_event *call) {
      bh_value mode;
      memset(&mode, 0, sizeof mode);
      mode.size = sizeof mode;
      if (self->api->field(self->host, call, str("/mode"), &mode) != BH_OK || mode.text.len >= sizeof self->mode)
        return refuse(self, "no mode");
      memcpy(self->mode, mode.text.ptr, mode.text.len);
      self->mode[mode.text.len] = 0;
      return answer(self, call, "true");
    }

    /* What it goes by, what the host says that it is configured with, and how long its secret is. */
    static bh_rc measure(void *context, bh_bytes value) {
      *(size_t *)context = value.len;
      return BH_OK;
    }
    BH_EXPORT bh_rc label(bh_self *self, const bh_event *call) {
      const bh_secret_v1 *secrets = self->api->query(self->host, str(BH_SECRET), 1);
      char json[160], configured[32] = "";
      size_t length = 0;
      self->api->config_get(self->host, str("/label"), take_text, configured);
      secrets->use(self->host, str("token"), measure, &length);
      snprintf(json, sizeof json, "{\"label\":\"%s\",\"configured\":\"%s\",\"token\":%zu}", self->label, configured, length);
      return answer(self, call, json);
    }

    /* A thread that returns at once, or one that cannot go on. */
    static void done(void *context) { (void)context; }
    static void lost(void *context) {
      bh_self *self = context;
      self->api->set_error(self->host, BH_E_INTERNAL, str("lost its way"));
    }
    BH_EXPORT bh_rc thread(bh_self *self, const bh_event *call) {
      const bh_thread_v1 *threads = self->api->query(self->host, str(BH_THREAD), 1);
      bh_value fails;
      memset(&fails, 0, sizeof fails);
      fails.size = sizeof fails;
      if (self->api->field(self->host, call, str("/fails"), &fails) != BH_OK) return refuse(self, "fails?");
      bh_token token;
      bh_rc rc = threads->spawn(self->host, str("worker"), fails.i ? lost : done, self, &token);
      return rc == BH_OK ? answer(self, call, "true") : rc;
    }

    static bh_rc reconfigure(bh_self *self, bh_bytes config) {
      char label[32] = "";
      (void)config;
      bh_rc rc = self->api->config_get(self->host, str("/label"), take_text, label);
      if (rc != BH_OK) return rc;
      if (strcmp(label, "bad") == 0) {
        self->api->set_error(self->host, BH_E_INVALID, str("bad is no name"));
        return BH_E_INVALID;
      }
      if (strcmp(label, "fresh") == 0) return BH_E_UNSUPPORTED;
      memcpy(self->label, label, sizeof label);
      return BH_OK;
    }

    /* Says goodbye on its connection and closes it, all as part of one delivery. */
    BH_EXPORT bh_rc on_leave(bh_self *self, const bh_event *event) {
      const bh_net_v1 *net = self->api->query(self->host, str(BH_NET), 1);
      bh_bytes words = {(const uint8_t *)"goodbye\n", 8};
      bh_rc rc = net->write(self->host, event->delivery, self->link, words);
      if (rc != BH_OK) return refuse(self, "write");
      rc = net->close(self->host, self->link);
      if (rc != BH_OK) return refuse(self, "close");
      /* The first attempt fails: neither the words nor the close may come of it. */
      return event->attempt < 2 ? BH_E_RETRY : BH_OK;
    }

    BH_EXPORT bh_rc dial(bh_self *self, const bh_event *call) {
      const bh_net_v1 *net = self->api->query(self->host, str(BH_NET), 1);
      bh_value port;
      memset(&port, 0, sizeof port);
      port.size = sizeof port;
      if (self->api->field(self->host, call, str("/port"), &port) != BH_OK) return refuse(self, "no port");
      bh_net_spec spec;
      memset(&spec, 0, sizeof spec);
      spec.size = sizeof spec;
      spec.name = str("link");
      spec.host = str("127.0.0.1");
      spec.port = (uint32_t)port.i;
      spec.framing = BH_FRAMING_LINES;
      bh_rc rc = net->dial(self->host, &spec, &self->link);
      return rc == BH_OK ? answer(self, call, "true") : rc;
    }

    BH_EXPORT bh_rc traced(bh_self *self, const bh_event *call) {
      const bh_trace_v1 *trace = self->api->query(self->host, str(BH_TRACE), 1);
      bh_token span;
      bh_rc rc = trace->begin(self->host, call->delivery, str("work"), &span);
      if (rc == BH_OK) rc = trace->end(self->host, span, BH_OK);
      return rc == BH_OK ? answer(self, call, "true") : rc;
    }

    /* What it was promised to be told, and was told: its context is freed by the one call that there must be. */
    static void settled(void *context, bh_rc rc, bh_str message) {
      bh_self **owner = context;
      (void)message;
      (*owner)->told++;
      (*owner)->last = rc;
      free(owner);
    }
    static void called(void *context, bh_rc rc, bh_bytes result) {
      (void)result;
      settled(context, rc, str(""));
    }
    BH_EXPORT bh_rc promise(bh_self *self, const bh_event *call) {
      bh_self **owner = malloc(sizeof *owner);
      if (owner == NULL) return BH_E_INTERNAL;
      *owner = self;
      bh_outgoing event;
      memset(&event, 0, sizeof event);
      event.size = sizeof event;
      event.topic = str("work");
      event.settled = settled;
      event.settled_context = owner;
      bh_rc rc = self->api->publish(self->host, 0, &event);
      if (rc != BH_OK) { free(owner); return rc; }
      self->promised++;
      return answer(self, call, "true");
    }
    BH_EXPORT bh_rc ask(bh_self *self, const bh_event *call) {
      const bh_rpc_v1 *rpc = self->api->query(self->host, str(BH_RPC), 1);
      bh_self **owner = malloc(sizeof *owner);
      if (owner == NULL) return BH_E_INTERNAL;
      *owner = self;
      bh_bytes none = {NULL, 0};
      bh_rc rc = rpc->call(self->host, 0, str("holder.wait"), none, 0, called, owner, NULL);
      if (rc != BH_OK) { free(owner); return rc; }
      self->promised++;
      return answer(self, call, "true");
    }
    /* What the manifests of others say for this plugin, as it was written. */
    struct text { char bytes[512]; size_t count; };
    static bh_rc collect(void *sink, const void *bytes, size_t count) {
      struct text *text = sink;
      if (count > sizeof text->bytes - text->count) return BH_E_NOSPACE;
      memcpy(text->bytes + text->count, bytes, count);
      text->count += count;
      return BH_OK;
    }
    BH_EXPORT bh_rc sections(bh_self *self, const bh_event *call) {
      const bh_extension_v1 *extensions = self->api->query(self->host, str(BH_EXTENSION), 1);
      struct text text = {{0}, 0};
      bh_rc rc = extensions->list(self->host, collect, &text);
      bh_bytes result = {(const uint8_t *)text.bytes, text.count};
      return rc == BH_OK ? self->api->reply(self->host, call->delivery, BH_OK, result) : rc;
    }
    BH_EXPORT bh_rc revision(bh_self *self, const bh_event *call) {
      const bh_extension_v1 *extensions = self->api->query(self->host, str(BH_EXTENSION), 1);
      char json[32];
      snprintf(json, sizeof json, "%llu", (unsigned long long)extensions->revision(self->host));
      return answer(self, call, json);
    }
    BH_EXPORT bh_rc wait(bh_self *self, const bh_event *call) { (void)self, (void)call; return BH_ASYNC; }

    static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
      bh_self *self = calloc(1, sizeof *self);
      if (self == NULL) return BH_E_INTERNAL;
      self->host = host;
      self->api = api;
      api->config_get(host, str("/mode"), take_text, self->mode);
      api->config_get(host, str("/label"), take_text, self->label);
      if (start->flags & BH_START_ROLLBACK) api->log(host, BH_LOG_NOTICE, str("brought back"), NULL, 0);
      if (is(self, "create") && !(start->flags & BH_START_PROBE)) {
        api->set_error(host, BH_E_INTERNAL, str("told not to be created"));
        free(self);
        return BH_E_INTERNAL;
      }
      /* Waits to be let go. */
      snprintf(self->go, sizeof self->go, "%.*s/go", (int)start->data_directory.len, start->data_directory.ptr);
      if (is(self, "held")) while (access(self->go, F_OK) != 0) usleep(1000);
      *out = self;
      return BH_OK;
    }

    static bh_rc activate(bh_self *self) { return is(self, "activate") ? refuse(self, "told not to be activated") : BH_OK; }

    static void tell_ending(bh_self *self, const char *where) {
      char text[64];
      snprintf(text, sizeof text, "%s: ending %u", where, (unsigned)self->api->ending(self->host));
      self->api->log(self->host, BH_LOG_INFO, str(text), NULL, 0);
    }

    static bh_rc quiesce(bh_self *self, int64_t deadline) {
      tell_ending(self, "quiesce");
      if (is(self, "quiesce")) return refuse(self, "told not to come to rest");
      /* Well past the deadline, and not for ever. */
      if (is(self, "hang")) while (self->api->now(self->host, BH_CLOCK_MONO) < deadline + 200000000) {}
      return BH_OK;
    }

    static bh_rc export_state(bh_self *self, uint32_t phase, uint32_t version, bh_writer writer, void *sink) {
      (void)phase; (void)version;
      if (is(self, "export")) return refuse(self, "told not to hand over");
      if (is(self, "large")) {
        static char block[1 << 20];
        memset(block, ' ', sizeof block);
        for (int index = 0; index < 1024; index++) {
          bh_rc rc = writer(sink, block, sizeof block);
          if (rc != BH_OK) return rc;
        }
      }
      char text[32];
      int length = snprintf(text, sizeof text, "%lu", self->count);
      return writer(sink, text, (size_t)length);
    }

    static bh_rc import_state(bh_self *self, uint32_t phase, bh_str format, uint32_t version, bh_bytes state) {
      (void)phase; (void)format; (void)version;
      if (is(self, "import")) return refuse(self, "told not to take over");
      char text[32] = {0};
      if (state.len >= sizeof text) return refuse(self, "too long");
      memcpy(text, state.ptr, state.len);
      self->count = strtoul(text, NULL, 10);
      return BH_OK;
    }

    static bh_rc health(bh_self *self, bh_writer writer, void *sink) {
      writer(sink, "{}", 2);
      return is(self, "ill") ? BH_E_INTERNAL : BH_OK;
    }

    static bh_rc resume(bh_self *self) {
      tell_ending(self, "resume");
      self->mode[0] = 0;
      return BH_OK;
    }

    static void destroy(bh_self *self) {
      char text[96];
      snprintf(text, sizeof text, "destroyed: told %lu of %lu, at last %d", self->told, self->promised, (int)self->last);
      self->api->log(self->host, BH_LOG_INFO, str(text), NULL, 0);
      free(self);
    }

    static const bh_plugin plugin = {
        .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
        .name = {NAME, sizeof NAME - 1}, .version = {"1.0.0", 5}, .state_format = {FORMAT, sizeof FORMAT - 1},
        .state_version = 1, .create = create, .activate = activate, .quiesce = quiesce,
        .export_state = export_state, .import_state = import_state, .resume = resume, .reconfigure = reconfigure, .health = health,
        .destroy = destroy,
    };

    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; return &plugin; }
    """#

  /// The manifest of an actor. `mode` is its configuration's default, `drain` how long its swaps wait for what is open, `probation` that
  /// of its swaps; `more` are further lines.
  static func manifest(
    _ name: String = "actor", mode: String = "", drain: String = "60s", drainTimeout: String = "abort",
    probation: String = "none", _ more: String = ""
  ) -> String {
    """
    bothost: 1
    plugin: \(name)
    version: 1.0.0
    library: lib\(name).so
    config:
      mode: {type: string, default: "\(mode)"}
      label: {type: string, default: none}
      token: {type: secret}
      topics: {type: list, of: string, default: []}
    handlers:
      - {topic: work, call: on_work, timeout: 30s}
      - {topic: {config: topics}, call: on_work}
      - {topic: orders, call: on_work, where: {/dish: taco, /size: 2}}
      - {topic: leave, call: on_leave, retry: {max: 5, backoff: 1ms..1ms}}
    methods:
      count: {call: count}
      act: {call: act}
      label: {call: label}
      dial: {call: dial}
      thread: {call: thread}
      traced: {call: traced}
      promise: {call: promise}
      ask: {call: ask}
      sections: {call: sections}
      revision: {call: revision}
      wait: {call: wait, timeout: 10m}
    permissions:
      connect: ["127.0.0.1:*"]
      publish: [work]
      call: ["holder.wait"]
    swap: {drain: \(drain), on_drain_timeout: \(drainTimeout), state: \(name)/1, probation: \(probation)}
    \(more)

    """
  }
}
