/*
 * wordcount.c - counts the words that are said in each channel.
 *
 * The smallest plugin that does something worth keeping: a handler, a method, and state that survives a
 * swap. It needs bothost.h and a C99 compiler and nothing else. From the folder above, where its manifest is:
 *
 *     cc -std=c99 -O2 -shared -fPIC -I ../../../Sources/CBotHost/include -o libWordCountC.so Sources/wordcount.c
 *     bothost call wordcount-c.count '{"channel": "lobby"}' --plugins .
 *
 * The manifest, wordcount-c.yaml, says which topic reaches `on_message`, which method reaches `count`, and which chat
 * command reaches `tell`.
 *
 * Three things to know before reading:
 *  - The host enters the plugin from one thread at a time, so nothing here is locked.
 *  - What the host passes is borrowed until the call returns. What we want to keep, we copy.
 *  - No variable is global. Two builds of this plugin are in the process during a swap, and two instances
 *    may run for ever.
 */
#include <bothost.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The counts: a hash table from a channel's name to its numbers ------------------------------------- */

typedef struct channel {
  struct channel *next; /* in the same bucket */
  uint64_t words;
  uint64_t messages;
  size_t length;
  char name[]; /* `length` bytes, no NUL */
} channel;

enum {
  BUCKETS = 1024,       /* a power of two */
  MAX_CHANNELS = 65536, /* a bound on what strangers can make us remember */
  MAX_NAME = 512
};

struct bh_self {
  bh_host *host;
  const bh_host_api *api;
  size_t channel_count;
  channel *buckets[BUCKETS];
};

static channel **bucket_of(bh_self *self, bh_str name) {
  uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
  for (size_t i = 0; i < name.len; i++) hash = (hash ^ (unsigned char)name.ptr[i]) * UINT64_C(1099511628211);
  return &self->buckets[(hash ^ hash >> 32) & (BUCKETS - 1)];
}

static channel *find_channel(bh_self *self, bh_str name) {
  for (channel *c = *bucket_of(self, name); c != NULL; c = c->next)
    if (c->length == name.len && memcmp(c->name, name.ptr, name.len) == 0) return c;
  return NULL;
}

/* Finds or makes a channel; NULL when there is no room for another one. */
static channel *get_channel(bh_self *self, bh_str name) {
  channel *c = find_channel(self, name);
  if (c != NULL) return c;
  if (self->channel_count >= MAX_CHANNELS || name.len > MAX_NAME) return NULL;
  c = malloc(sizeof *c + name.len);
  if (c == NULL) return NULL;
  channel **bucket = bucket_of(self, name);
  c->words = c->messages = 0;
  c->length = name.len;
  memcpy(c->name, name.ptr, name.len);
  c->next = *bucket;
  *bucket = c;
  self->channel_count++;
  return c;
}

static void forget_all(bh_self *self) {
  for (size_t i = 0; i < BUCKETS; i++) {
    while (self->buckets[i] != NULL) {
      channel *c = self->buckets[i];
      self->buckets[i] = c->next;
      free(c);
    }
  }
  self->channel_count = 0;
}

/* Words are what blanks separate. */
static uint64_t count_words(bh_str text) {
  uint64_t words = 0;
  int inside = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    int blank = c == ' ' || (c >= '\t' && c <= '\r');
    words += !blank && !inside;
    inside = !blank;
  }
  return words;
}

/* ---- Small helpers over the host's table -------------------------------------------------------------- */

static bh_str str(const char *text) {
  bh_str result = {text, strlen(text)};
  return result;
}

/* Fails the call under way with a reason. */
static bh_rc fail(bh_self *self, bh_rc code, const char *why) {
  self->api->set_error(self->host, code, str(why));
  return code;
}

/* Reads a text out of the event's payload. The host parses JSON; we name the field. */
static bh_rc text_field(bh_self *self, const bh_event *event, const char *pointer, bh_str *text) {
  bh_value value;
  memset(&value, 0, sizeof value);
  value.size = sizeof value;
  bh_rc rc = self->api->field(self->host, event, str(pointer), &value);
  if (rc != BH_OK) return rc;
  if (value.kind != BH_VALUE_STRING) return BH_E_INVALID;
  *text = value.text;
  return BH_OK;
}

/* ---- What the manifest names ---------------------------------------------------------------------------- */

/* Handles chat.message. */
BH_EXPORT bh_rc on_message(bh_self *self, const bh_event *event) {
  bh_value bot;
  memset(&bot, 0, sizeof bot);
  bot.size = sizeof bot;
  if (self->api->field(self->host, event, str("/author/bot"), &bot) == BH_OK && bot.kind == BH_VALUE_BOOL && bot.i)
    return BH_SKIP; /* bots, ourselves among them, are not counted */

  bh_str name, text;
  /* A message without these will never have them: no retry, but the dead letters. */
  if (text_field(self, event, "/channel/name", &name) != BH_OK)
    return fail(self, BH_E_REJECT, "/channel/name is no text");
  if (text_field(self, event, "/message/text", &text) != BH_OK)
    return fail(self, BH_E_REJECT, "/message/text is no text");

  channel *c = get_channel(self, name);
  if (c == NULL) return fail(self, BH_E_NOSPACE, "no room for another channel");
  c->messages++;
  c->words += count_words(text);
  return BH_OK; /* which acknowledges the event */
}

/* The method `count`: {"channel"} -> {"words", "messages"}. A channel that nobody has spoken in has zero of
 * both. */
BH_EXPORT bh_rc count(bh_self *self, const bh_event *args) {
  bh_str name;
  if (text_field(self, args, "/channel", &name) != BH_OK) return fail(self, BH_E_INVALID, "'channel' must be a text");
  const channel *c = find_channel(self, name);
  char json[96];
  int length = snprintf(json, sizeof json, "{\"words\":%" PRIu64 ",\"messages\":%" PRIu64 "}", c ? c->words : 0,
                        c ? c->messages : 0);
  bh_bytes result = {(const uint8_t *)json, (size_t)length};
  return self->api->reply(self->host, args->delivery, BH_OK, result);
}

/* Hooks yetibot.command for the word `wordcount-c`: what it answers is the command's result. An answer without
 * `handled` would pass the command on, as BH_SKIP does. */
BH_EXPORT bh_rc tell(bh_self *self, const bh_event *command) {
  bh_str name;
  if (text_field(self, command, "/args", &name) != BH_OK) return BH_SKIP;
  while (name.len > 0 && name.ptr[0] == ' ') name.ptr++, name.len--;
  while (name.len > 0 && name.ptr[name.len - 1] == ' ') name.len--;
  if (name.len == 0 && text_field(self, command, "/channel", &name) != BH_OK)
    return fail(self, BH_E_INVALID, "name a channel");
  const channel *c = find_channel(self, name);
  uint64_t words = c ? c->words : 0, messages = c ? c->messages : 0;
  char json[192];
  int length = snprintf(json, sizeof json,
                        "{\"handled\":true,\"value\":\"%" PRIu64 " words in %" PRIu64
                        " messages\",\"data\":{\"words\":%" PRIu64 ",\"messages\":%" PRIu64 "}}",
                        words, messages, words, messages);
  bh_bytes result = {(const uint8_t *)json, (size_t)length};
  return self->api->reply(self->host, command->delivery, BH_OK, result);
}

/* ---- The plugin's life ------------------------------------------------------------------------------------ */

static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
  (void)start; /* we have no configuration */
  bh_self *self = calloc(1, sizeof *self);
  if (self == NULL) return BH_E_INTERNAL;
  self->host = host;
  self->api = api;
  *out = self;
  return BH_OK;
}

static void destroy(bh_self *self) {
  forget_all(self);
  free(self);
}

static bh_rc health(bh_self *self, bh_writer writer, void *sink) {
  char json[64];
  int length = snprintf(json, sizeof json, "{\"ok\":true,\"channels\":%zu}", self->channel_count);
  return writer(sink, json, (size_t)length);
}

/* The state is text, one channel after the other: `words messages length:name` and a line feed. */
static bh_rc export_state(bh_self *self, uint32_t phase, uint32_t want_version, bh_writer writer, void *sink) {
  (void)phase;
  if (want_version != 1) return fail(self, BH_E_UNSUPPORTED, "the state has version 1 only");
  for (size_t i = 0; i < BUCKETS; i++) {
    for (const channel *c = self->buckets[i]; c != NULL; c = c->next) {
      char head[80];
      int length = snprintf(head, sizeof head, "%" PRIu64 " %" PRIu64 " %zu:", c->words, c->messages, c->length);
      bh_rc rc = writer(sink, head, (size_t)length);
      if (rc == BH_OK) rc = writer(sink, c->name, c->length);
      if (rc == BH_OK) rc = writer(sink, "\n", 1);
      if (rc != BH_OK) return rc;
    }
  }
  return BH_OK;
}

/* Reads a decimal number that `end` follows. 0 when there is none. */
static int read_number(const char **at, const char *limit, char end, uint64_t *number) {
  const char *p = *at;
  *number = 0;
  for (; p < limit && *p >= '0' && *p <= '9'; p++) {
    if (*number > (UINT64_MAX - 9) / 10) return 0;
    *number = *number * 10 + (uint64_t)(*p - '0');
  }
  if (p == *at || p == limit || *p != end) return 0;
  *at = p + 1;
  return 1;
}

static bh_rc import_state(bh_self *self, uint32_t phase, bh_str format, uint32_t version, bh_bytes state) {
  (void)phase;
  if (version != 1 || format.len != strlen("wordcount") || memcmp(format.ptr, "wordcount", format.len) != 0)
    return fail(self, BH_E_UNSUPPORTED, "only the state wordcount/1 can be taken over");
  forget_all(self);
  const char *at = (const char *)state.ptr;
  const char *limit = at + state.len;
  while (at < limit) {
    uint64_t words, messages, length;
    if (!read_number(&at, limit, ' ', &words) || !read_number(&at, limit, ' ', &messages) ||
        !read_number(&at, limit, ':', &length) || length >= (uint64_t)(limit - at) || at[length] != '\n')
      return fail(self, BH_E_INVALID, "the state is damaged");
    bh_str name = {at, (size_t)length};
    channel *c = get_channel(self, name);
    if (c == NULL) return fail(self, BH_E_NOSPACE, "no room for the channels of the state");
    c->words = words;
    c->messages = messages;
    at += length + 1;
  }
  return BH_OK;
}

/* An instance that stops and starts again without a swap begins at zero; one that must not would keep its
 * counts in bh.kv. */
static const bh_plugin plugin = {
    .size = sizeof(bh_plugin),
    .abi_major = BH_ABI_MAJOR,
    .abi_minor = BH_ABI_MINOR,
    .name = {"wordcount-c", sizeof "wordcount-c" - 1},
    .version = {"1.0.0", sizeof "1.0.0" - 1},
    .sdk = {"bothost.h", sizeof "bothost.h" - 1},
    .state_format = {"wordcount", sizeof "wordcount" - 1},
    .state_version = 1,
    .create = create,
    .health = health,
    .export_state = export_state,
    .import_state = import_state,
    .destroy = destroy,
};

BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor; /* we use nothing that came after version 1.0 */
  return &plugin;
}
