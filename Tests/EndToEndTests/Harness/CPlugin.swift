import Foundation

/// Plugins in C that a test writes and compiles itself.
enum CPlugin {
  /// Compiles a plugin's source to a library.
  static func compile(_ source: String, to library: String, in directory: TemporaryDirectory) throws {
    try compile(file: try directory.file("source-\(UUID().uuidString.prefix(8)).c", source), to: library)
  }

  static func compile(file: String, to library: String) throws {
    guard let compiler = Build.tool("cc") else { throw RunningProgram.Failure(description: "no C compiler") }
    let (status, _, error) = try RunningProgram.run(
      compiler, ["-std=c99", "-pthread", "-shared", "-fPIC", "-I", Build.include, "-o", library + ".new", file],
      within: 120)
    guard status == 0 else { throw RunningProgram.Failure(description: error.joined(separator: "\n")) }
    // Over the old file at once, as a deployment does it.
    guard rename(library + ".new", library) == 0 else {
      throw RunningProgram.Failure(description: "\(library) cannot be replaced")
    }
  }

  /// A plugin that rejects the notes whose text is "bad" until its method `forgive` has been called, and that shows its secret to
  /// whoever looks, as careless plugins do. It keeps its count across swaps.
  static let picky = #"""
    #include <bothost.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>

    struct bh_self { bh_host *host; const bh_host_api *api; unsigned long taken; int forgiving; char token[64]; };

    static bh_str str(const char *text) { bh_str result = {text, strlen(text)}; return result; }

    BH_EXPORT bh_rc on_note(bh_self *self, const bh_event *event) {
      bh_value text;
      memset(&text, 0, sizeof text);
      text.size = sizeof text;
      if (self->api->field(self->host, event, str("/text"), &text) != BH_OK || text.kind != BH_VALUE_STRING) {
        self->api->set_error(self->host, BH_E_REJECT, str("the note has no text"));
        return BH_E_REJECT;
      }
      if (text.text.len == 3 && memcmp(text.text.ptr, "bad", 3) == 0 && !self->forgiving) {
        char why[128];
        snprintf(why, sizeof why, "the note is bad, says %s", self->token);
        self->api->set_error(self->host, BH_E_REJECT, str(why));
        return BH_E_REJECT;
      }
      self->taken++;
      return BH_OK;
    }

    static bh_rc answer(bh_self *self, const bh_event *call, const char *json) {
      bh_bytes result = {(const uint8_t *)json, strlen(json)};
      return self->api->reply(self->host, call->delivery, BH_OK, result);
    }

    BH_EXPORT bh_rc forgive(bh_self *self, const bh_event *call) { self->forgiving = 1; return answer(self, call, "true"); }

    BH_EXPORT bh_rc taken(bh_self *self, const bh_event *call) {
      char json[32];
      snprintf(json, sizeof json, "%lu", self->taken);
      return answer(self, call, json);
    }

    BH_EXPORT bh_rc tell(bh_self *self, const bh_event *call) {
      (void)call;
      self->api->log(self->host, BH_LOG_WARNING, str(self->token), NULL, 0);
      self->api->set_error(self->host, BH_E_INVALID, str(self->token));
      return BH_E_INVALID;
    }

    static bh_rc remember(void *context, bh_bytes value) {
      bh_self *self = context;
      size_t length = value.len < sizeof self->token ? value.len : sizeof self->token - 1;
      memcpy(self->token, value.ptr, length);
      return BH_OK;
    }

    static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
      (void)start;
      bh_self *self = calloc(1, sizeof *self);
      if (self == NULL) return BH_E_INTERNAL;
      self->host = host;
      self->api = api;
      const bh_secret_v1 *secrets = api->query(host, str(BH_SECRET), 1);
      if (secrets != NULL) secrets->use(host, str("token"), remember, self);
      *out = self;
      return BH_OK;
    }

    static void destroy(bh_self *self) { free(self); }

    static const bh_plugin plugin = {
        .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
        .name = {"picky", 5}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy,
    };

    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; return &plugin; }
    """#

  static let pickyManifest = """
    bothost: 1
    plugin: picky
    version: 1.0.0
    library: libpicky.so
    config:
      token: {type: secret, from: PICKY_TOKEN}
    topics:
      notes: {durable: true, fields: {text: string}}
    handlers:
      - {topic: notes, call: on_note}
    methods:
      forgive: {call: forgive}
      taken: {call: taken}
      tell: {call: tell}

    """

  /// A directory with the plugin that is picky, ready to be run.
  static func makePicky(in directory: TemporaryDirectory) throws -> String {
    _ = try directory.file("plugins/picky.yaml", pickyManifest)
    let plugins = directory.url.appendingPathComponent("plugins").path
    try compile(picky, to: plugins + "/libpicky.so", in: directory)
    return plugins
  }

  /// A copy of the examples, so that a test may replace their libraries.
  static func copyExamples(to directory: TemporaryDirectory) throws -> String {
    let copy = directory.url.appendingPathComponent("examples").path
    try FileManager.default.copyItem(atPath: Build.examples, toPath: copy)
    return copy
  }

  /// A build of the C word counter that fits its manifest, but for what the flags take away.
  static func counter(abi: String = "BH_ABI_MAJOR", method: String = "count") -> String {
    """
    #include <bothost.h>
    #include <stdlib.h>
    struct bh_self { int nothing; };
    static bh_rc create(bh_host *h, const bh_host_api *a, const bh_start *s, bh_self **out) {
      (void)h; (void)a; (void)s; *out = calloc(1, sizeof **out); return BH_OK;
    }
    static void destroy(bh_self *self) { free(self); }
    BH_EXPORT bh_rc on_message(bh_self *s, const bh_event *e) { (void)s; (void)e; return BH_OK; }
    BH_EXPORT bh_rc tell(bh_self *s, const bh_event *e) { (void)s; (void)e; return BH_SKIP; }
    BH_EXPORT bh_rc \(method)(bh_self *s, const bh_event *e) { (void)s; (void)e; return BH_OK; }
    static const bh_plugin plugin = {.size = sizeof(bh_plugin), .abi_major = \(abi), .abi_minor = BH_ABI_MINOR,
      .name = {"wordcount-c", 11}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy};
    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t m) { (void)m; return &plugin; }

    """
  }

  /// A plugin that takes notes, and answers to each what it is told.
  static func notes(_ answer: String) -> String {
    """
    #include <bothost.h>
    #include <stdlib.h>
    struct bh_self { int nothing; };
    static bh_rc create(bh_host *h, const bh_host_api *a, const bh_start *s, bh_self **out) {
      (void)h; (void)a; (void)s; *out = calloc(1, sizeof **out); return BH_OK;
    }
    static void destroy(bh_self *self) { free(self); }
    BH_EXPORT bh_rc on_note(bh_self *s, const bh_event *e) { (void)s; (void)e; return \(answer); }
    static const bh_plugin plugin = {.size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
      .name = {"notes", 5}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy};
    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t m) { (void)m; return &plugin; }

    """
  }

  static let notesManifest = """
    bothost: 1
    plugin: notes
    version: 1.0.0
    library: libnotes.so
    handlers:
      - {topic: note, call: on_note}
    """

  /// An adapter that lets the bot into every room but those called full and away, and that tells what it was asked last.
  static let doorman = #"""
    #include <bothost.h>
    #include <stdlib.h>
    #include <string.h>

    struct bh_self { bh_host *host; const bh_host_api *api; size_t length; char asked[512]; };

    static bh_str str(const char *text) { bh_str result = {text, strlen(text)}; return result; }

    static bh_rc answer(bh_self *self, const bh_event *call, const void *json, size_t length) {
      bh_bytes result = {(const uint8_t *)json, length};
      return self->api->reply(self->host, call->delivery, BH_OK, result);
    }

    BH_EXPORT bh_rc take(bh_self *self, const bh_event *call) {
      if (call->payload.len > sizeof self->asked) return BH_E_NOSPACE;
      memcpy(self->asked, call->payload.ptr, call->payload.len);
      self->length = call->payload.len;
      bh_value channel;
      memset(&channel, 0, sizeof channel);
      channel.size = sizeof channel;
      if (self->api->field(self->host, call, str("/channel"), &channel) == BH_OK && channel.text.len == 4 &&
          memcmp(channel.text.ptr, "full", 4) == 0) {
        self->api->set_error(self->host, BH_E_REJECT, str("the room is full"));
        return BH_E_REJECT;
      }
      if (channel.kind == BH_VALUE_STRING && channel.text.len == 4 && memcmp(channel.text.ptr, "away", 4) == 0) {
        self->api->set_error(self->host, BH_E_CANCELLED, str("not connected"));
        return BH_E_CANCELLED;
      }
      return answer(self, call, "{}", 2);
    }

    BH_EXPORT bh_rc asked(bh_self *self, const bh_event *call) { return answer(self, call, self->asked, self->length); }

    static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
      bh_self *self = calloc(1, sizeof *self);
      (void)start;
      if (self == NULL) return BH_E_NOSPACE;
      self->host = host;
      self->api = api;
      *out = self;
      return BH_OK;
    }

    static void destroy(bh_self *self) { free(self); }

    static const bh_plugin plugin = {
        .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
        .name = {"test-1", 6}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy,
    };

    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t host_abi_minor) {
      (void)host_abi_minor;
      return &plugin;
    }
    """#

  static let doormanManifest = """
    bothost: 1
    plugin: test-1
    version: 1.0.0
    library: libdoorman.so
    methods:
      join: {call: take, args: {channel: string}, returns: map}
      leave: {call: take, args: {channel: string}, returns: map}
      react: {call: take, args: {channel: string, message: string, reaction: string}, returns: map}
      asked: {call: asked, returns: any}
    """
}
