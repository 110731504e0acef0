/* Looks at every number of the stream (stream.c): whether one is missing, doubled or out of order, and how long nothing came when
 * one generation followed another. The counts are its state, which every swap hands over. */
#define _POSIX_C_SOURCE 200809L
#include <bothost.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What goes from one generation to the next. */
typedef struct state {
  uint64_t next;    /* the number that should come */
  uint64_t handled, lost, doubled, reordered;
  int64_t last;     /* when the last event was handled, CLOCK_MONOTONIC nanoseconds */
  int64_t handover; /* from the last event of the generation before to the first of this one */
  uint64_t generations;
} state;

struct bh_self {
  bh_host *host;
  const bh_host_api *api;
  int is_first;
  state state;
};

static bh_str str(const char *text) { return (bh_str){text, strlen(text)}; }

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

BH_EXPORT bh_rc on_tick(bh_self *self, const bh_event *event) {
  uint64_t number;
  if (event->payload.len < sizeof number) return BH_E_REJECT;
  memcpy(&number, event->payload.ptr, sizeof number);
  state *s = &self->state;
  int64_t time = now();
  if (self->is_first && s->last != 0) s->handover = time - s->last;
  self->is_first = 0;
  s->last = time;
  s->handled++;
  if (number == s->next) s->next++;
  else if (number > s->next) { s->lost += number - s->next; s->next = number + 1; }
  else if (number + 1 == s->next) s->doubled++;
  else s->reordered++;
  return BH_OK;
}

BH_EXPORT bh_rc report(bh_self *self, const bh_event *call) {
  const state *s = &self->state;
  char json[320];
  int length = snprintf(json, sizeof json,
                        "{\"handled\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"doubled\":%" PRIu64 ",\"reordered\":%" PRIu64
                        ",\"handover_ns\":%" PRId64 ",\"generations\":%" PRIu64 "}",
                        s->handled, s->lost, s->doubled, s->reordered, self->is_first ? -1 : s->handover, s->generations);
  return self->api->reply(self->host, call->delivery, BH_OK, (bh_bytes){(const uint8_t *)json, (size_t)length});
}

static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
  (void)start;
  bh_self *self = calloc(1, sizeof *self);
  if (self == NULL) return BH_E_NOSPACE;
  self->host = host;
  self->api = api;
  self->is_first = 1;
  *out = self;
  return BH_OK;
}

static bh_rc export_state(bh_self *self, uint32_t phase, uint32_t version, bh_writer writer, void *sink) {
  (void)phase;
  if (version != 1) return BH_E_UNSUPPORTED;
  return writer(sink, &self->state, sizeof self->state);
}

static bh_rc import_state(bh_self *self, uint32_t phase, bh_str format, uint32_t version, bh_bytes bytes) {
  (void)phase;
  (void)format;
  if (version != 1 || bytes.len != sizeof self->state) {
    self->api->set_error(self->host, BH_E_INVALID, str("the state is of another build"));
    return BH_E_INVALID;
  }
  memcpy(&self->state, bytes.ptr, sizeof self->state);
  self->state.generations++;
  return BH_OK;
}

static void destroy(bh_self *self) { free(self); }

static const bh_plugin plugin = {
    .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
    .name = {"check", 5}, .version = {"1.0.0", 5}, .state_format = {"check", 5}, .state_version = 1,
    .create = create, .export_state = export_state, .import_state = import_state, .destroy = destroy,
};

BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; return &plugin; }
