/* Keeps 16 MiB in 4,096 blocks. Each event of the stream (stream.c) is counted in the first block, each thousandth in another one as
 * well, so that the sum over the blocks says whether a hand-over has lost a change. The state goes to the next build in pieces while
 * events come, or, built with -DWHOLE, in one while they wait. */
#include <bothost.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 4096, BLOCK = 4096, PIECE = 16 };

typedef struct block {
  uint64_t touched;
  uint8_t rest[BLOCK - sizeof(uint64_t)];
} block;

struct bh_self {
  bh_host *host;
  const bh_host_api *api;
  block *blocks;
  uint64_t events;
  uint8_t pending[BLOCKS]; /* not handed over, or changed since */
  int left;
};

static bh_str str(const char *text) { return (bh_str){text, strlen(text)}; }

static void touch(bh_self *self, unsigned index) {
  self->blocks[index].touched++;
  if (!self->pending[index]) { self->pending[index] = 1; self->left++; }
}

BH_EXPORT bh_rc on_tick(bh_self *self, const bh_event *event) {
  (void)event;
  touch(self, 0);
  if (++self->events % 1000 == 0) touch(self, (unsigned)(self->events / 1000 * 2654435761u % BLOCKS));
  return BH_OK;
}

/* {"handled": by the count of events, "touched": by the sum over the blocks, "expected": that sum} */
BH_EXPORT bh_rc report(bh_self *self, const bh_event *call) {
  uint64_t touched = 0;
  for (int i = 0; i < BLOCKS; i++) touched += self->blocks[i].touched;
  char json[128];
  int length = snprintf(json, sizeof json, "{\"handled\":%" PRIu64 ",\"touched\":%" PRIu64 ",\"expected\":%" PRIu64 "}",
                        self->events, touched, self->events + self->events / 1000);
  return self->api->reply(self->host, call->delivery, BH_OK, (bh_bytes){(const uint8_t *)json, (size_t)length});
}

static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
  (void)start;
  bh_self *self = calloc(1, sizeof *self);
  if (self == NULL) return BH_E_NOSPACE;
  self->host = host;
  self->api = api;
  self->blocks = calloc(BLOCKS, sizeof *self->blocks);
  if (self->blocks == NULL) { free(self); return BH_E_NOSPACE; }
  *out = self;
  return BH_OK;
}

/* A piece: the count of events, then blocks with their numbers. */
static bh_rc export_state(bh_self *self, uint32_t phase, uint32_t version, bh_writer writer, void *sink) {
  if (version != 1) return BH_E_UNSUPPORTED;
  if (phase == BH_STATE_SNAPSHOT || phase == BH_STATE_FINAL) {
    memset(self->pending, 1, sizeof self->pending);
    self->left = BLOCKS;
  }
  int room = phase == BH_STATE_SNAPSHOT || phase == BH_STATE_CHANGES ? PIECE : BLOCKS;
  bh_rc rc = writer(sink, &self->events, sizeof self->events);
  for (uint64_t i = 0; i < BLOCKS && room > 0 && rc >= 0; i++) {
    if (!self->pending[i]) continue;
    rc = writer(sink, &i, sizeof i);
    if (rc >= 0) rc = writer(sink, &self->blocks[i], BLOCK);
    self->pending[i] = 0;
    self->left--;
    room--;
  }
  return rc < 0 ? rc : self->left > PIECE ? BH_ASYNC : BH_OK;
}

static bh_rc import_state(bh_self *self, uint32_t phase, bh_str format, uint32_t version, bh_bytes bytes) {
  (void)phase;
  (void)format;
  const size_t entry = sizeof(uint64_t) + BLOCK;
  if (version != 1 || bytes.len < sizeof self->events || (bytes.len - sizeof self->events) % entry != 0) {
    self->api->set_error(self->host, BH_E_INVALID, str("the state is of another build"));
    return BH_E_INVALID;
  }
  memcpy(&self->events, bytes.ptr, sizeof self->events);
  for (const uint8_t *at = bytes.ptr + sizeof self->events; at < bytes.ptr + bytes.len; at += entry) {
    uint64_t index;
    memcpy(&index, at, sizeof index);
    if (index >= BLOCKS) return BH_E_INVALID;
    memcpy(&self->blocks[index], at + sizeof index, BLOCK);
  }
  return BH_OK;
}

static void destroy(bh_self *self) {
  free(self->blocks);
  free(self);
}

static const bh_plugin plugin = {
    .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
#ifndef WHOLE
    .flags = BH_PLUGIN_PRECOPY,
#endif
    .name = {"bulk", 4}, .version = {"1.0.0", 5}, .state_format = {"bulk", 4}, .state_version = 1,
    .create = create, .export_state = export_state, .import_state = import_state, .destroy = destroy,
};

BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; return &plugin; }
