/* Messages of a chat as fast as they are taken: `run` {count} publishes that many. For the measurement of a bot's handler. */
#include <bothost.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bh_self {
  bh_host *host;
  const bh_host_api *api;
  uint64_t topic;
};

static bh_str str(const char *text) { return (bh_str){text, strlen(text)}; }

BH_EXPORT bh_rc run(bh_self *self, const bh_event *call) {
  bh_value count = {.size = sizeof count};
  if (self->api->field(self->host, call, str("/count"), &count) != BH_OK || count.kind != BH_VALUE_INT) return BH_E_INVALID;
  bh_outgoing event = {.size = sizeof event, .topic_ref = self->topic};
  for (int64_t number = 0; number < count.i; number++) {
    char json[320];
    int length = snprintf(json, sizeof json,
                          "{\"username\":\"ann\",\"channel\":\"kitchen\",\"message\":\"what is for lunch today? number %lld\","
                          "\"id\":\"b34ccfc7-4977-403a-8a94-33c6bac34fb8\",\"raw\":\":ann!ann@ann PRIVMSG #kitchen :what is for lunch\"}",
                          (long long)number);
    event.payload = (bh_bytes){(const uint8_t *)json, (size_t)length};
    bh_rc rc = self->api->publish(self->host, 0, &event);
    if (rc != BH_OK) return rc;
  }
  return self->api->reply(self->host, call->delivery, BH_OK, (bh_bytes){NULL, 0});
}

static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
  (void)start;
  bh_self *self = calloc(1, sizeof *self);
  if (self == NULL) return BH_E_INTERNAL;
  self->host = host;
  self->api = api;
  self->topic = api->topic(host, str("bench.message"));
  *out = self;
  return BH_OK;
}

static void destroy(bh_self *self) { free(self); }

static const bh_plugin plugin = {
    .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
    .name = {"crowd", 5}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy,
};

BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) {
  (void)minor;
  return &plugin;
}
