/* The taco bot's handler of chat.message, written by hand against bothost.h: {username, message} of each message to the store, and the
 * message is settled when the store has it. For the measurement beside the bot itself. */
#include <bothost.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_DEBUG = 0 };

struct bh_self {
  bh_host *host;
  const bh_host_api *api;
  const bh_rpc_v1 *rpc;
  char *json;
  size_t count, capacity;
};

/* The context of a call: the delivery, and whose it is. Used again. */
typedef struct pending {
  bh_self *self;
  bh_token delivery;
} pending;

static bh_str str(const char *text) { return (bh_str){text, strlen(text)}; }

static int put(bh_self *self, const char *text, size_t length) {
  if (self->count + length > self->capacity) {
    size_t capacity = (self->count + length) * 2 + 256;
    char *larger = realloc(self->json, capacity);
    if (larger == NULL) return 0;
    self->json = larger;
    self->capacity = capacity;
  }
  memcpy(self->json + self->count, text, length);
  self->count += length;
  return 1;
}

static int put_string(bh_self *self, bh_str text) {
  int done = put(self, "\"", 1);
  size_t start = 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    if (c >= ' ' && c != '"' && c != '\\') continue;
    char code[8];
    int length = c < ' ' ? snprintf(code, sizeof code, "\\u%04x", c) : snprintf(code, sizeof code, "\\%c", c);
    done = done && put(self, text.ptr + start, i - start) && put(self, code, (size_t)length);
    start = i + 1;
  }
  return done && put(self, text.ptr + start, text.len - start) && put(self, "\"", 1);
}

static void done(void *context, bh_rc rc, bh_bytes result) {
  pending call = *(pending *)context;
  free(context);
  if (rc >= 0) call.self->api->ack(call.self->host, call.delivery);
  else call.self->api->nack(call.self->host, call.delivery, BH_E_RETRY, 0, (bh_str){(const char *)result.ptr, result.len});
}

BH_EXPORT bh_rc on_message(bh_self *self, const bh_event *event) {
  bh_value username = {.size = sizeof username}, message = {.size = sizeof message}, channel = {.size = sizeof channel};
  if (self->api->field(self->host, event, str("/username"), &username) != BH_OK || username.kind != BH_VALUE_STRING ||
      self->api->field(self->host, event, str("/message"), &message) != BH_OK || message.kind != BH_VALUE_STRING ||
      self->api->field(self->host, event, str("/channel"), &channel) != BH_OK || channel.kind != BH_VALUE_STRING)
    return BH_E_REJECT;
  self->count = 0;
  pending *call = malloc(sizeof *call);
  int whole = call != NULL && put(self, "{\"key\":", 7) && put_string(self, channel.text) && put(self, ",\"value\":{\"username\":", 21) &&
              put_string(self, username.text) && put(self, ",\"message\":", 11) && put_string(self, message.text) && put(self, "}}", 2);
  if (!whole) {
    free(call);
    return BH_E_RETRY;
  }
  *call = (pending){self, event->delivery};
  bh_bytes argument = {(const uint8_t *)self->json, self->count};
  bh_rc rc = self->rpc->call(self->host, event->delivery, str("store.publish"), argument, 0, done, call, NULL);
  if (rc != BH_OK) free(call);
  if (LOG_DEBUG) puts("a line of the log");
  return rc == BH_OK ? BH_ASYNC : rc;
}

static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
  (void)start;
  bh_self *self = calloc(1, sizeof *self);
  if (self == NULL) return BH_E_INTERNAL;
  self->host = host;
  self->api = api;
  self->rpc = api->query(host, str(BH_RPC), 1);
  *out = self;
  return self->rpc == NULL ? BH_E_INTERNAL : BH_OK;
}

static void destroy(bh_self *self) {
  free(self->json);
  free(self);
}

static const bh_plugin plugin = {
    .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
    .name = {"taco-c", 6}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy,
};

BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) {
  (void)minor;
  return &plugin;
}
