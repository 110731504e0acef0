/* Counts the records that Kafka gives it. */
#include <bothost.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct bh_self {
  bh_host *host;
  const bh_host_api *api;
  uint64_t count;
};

BH_EXPORT bh_rc on_record(bh_self *self, const bh_event *event) {
  (void)event;
  self->count++;
  return BH_OK;
}

BH_EXPORT bh_rc count(bh_self *self, const bh_event *call) {
  char json[32];
  int length = snprintf(json, sizeof json, "%" PRIu64, self->count);
  return self->api->reply(self->host, call->delivery, BH_OK, (bh_bytes){(const uint8_t *)json, (size_t)length});
}

static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
  (void)start;
  bh_self *self = calloc(1, sizeof *self);
  if (self == NULL) return BH_E_NOSPACE;
  self->host = host;
  self->api = api;
  *out = self;
  return BH_OK;
}

static void destroy(bh_self *self) { free(self); }

static const bh_plugin plugin = {
    .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
    .name = {"count", 5}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy,
};

BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; return &plugin; }
