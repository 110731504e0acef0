/* Takes records, looks that they are as they should be, and counts them. For the measurement of a bot's handler. */
#define _GNU_SOURCE
#include <bothost.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bh_self {
  bh_host *host;
  const bh_host_api *api;
  unsigned long taken;
  unsigned long wrong;
};

BH_EXPORT bh_rc publish(bh_self *self, const bh_event *call) {
  /* In whatever order its members are written. */
  static const char user[] = "\"username\":\"ann\"", text[] = "\"message\":\"what is for lunch today? number ";
  self->taken++;
  if (memmem(call->payload.ptr, call->payload.len, user, sizeof user - 1) == NULL ||
      memmem(call->payload.ptr, call->payload.len, text, sizeof text - 1) == NULL)
    self->wrong++;
  return self->api->reply(self->host, call->delivery, BH_OK, (bh_bytes){NULL, 0});
}

BH_EXPORT bh_rc count(bh_self *self, const bh_event *call) {
  char json[80];
  int length = snprintf(json, sizeof json, "{\"taken\":%lu,\"wrong\":%lu}", self->taken, self->wrong);
  return self->api->reply(self->host, call->delivery, BH_OK, (bh_bytes){(const uint8_t *)json, (size_t)length});
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
    .name = {"store", 5}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy,
};

BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) {
  (void)minor;
  return &plugin;
}
