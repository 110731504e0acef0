/* A stream of numbered events at a steady rate, from a thread of its own: `run` {rate} starts it, `halt` ends it and says how many
 * events there were. For the measurement of swaps; see check.c. */
#define _POSIX_C_SOURCE 200809L
#include <bothost.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bh_self {
  bh_host *host;
  const bh_host_api *api;
  const bh_thread_v1 *threads;
  bh_token thread;
  uint64_t topic;
  int64_t rate;
  _Atomic uint64_t sent;
  _Atomic uint64_t failed;
};

static bh_str str(const char *text) { return (bh_str){text, strlen(text)}; }

/* Every millisecond as many events as are due by then. */
static void run(void *context) {
  bh_self *self = context;
  bh_outgoing event = {.size = sizeof event, .topic_ref = self->topic, .content_type = str("application/octet-stream")};
  int64_t began = self->api->now(self->host, BH_CLOCK_MONO);
  uint64_t number = 0;
  struct timespec pause = {0, 200000};
  while (!self->threads->should_stop(self->host, self->thread)) {
    int64_t now = self->api->now(self->host, BH_CLOCK_MONO);
    uint64_t due = (uint64_t)((__int128)(now - began) * self->rate / 1000000000);
    /* A machine that was busy elsewhere must not be answered with a flood. */
    if (due > number + (uint64_t)self->rate / 100) {
      began += (int64_t)((__int128)(due - number) * 1000000000 / self->rate);
      due = number;
    }
    while (number < due) {
      uint64_t payload[4] = {number, (uint64_t)now, 0, 0};
      event.payload = (bh_bytes){(const uint8_t *)payload, sizeof payload};
      if (self->api->publish(self->host, 0, &event) == BH_OK) number++; else atomic_fetch_add(&self->failed, 1);
    }
    atomic_store(&self->sent, number);
    nanosleep(&pause, NULL);
  }
}

BH_EXPORT bh_rc start(bh_self *self, const bh_event *call) {
  bh_value rate = {.size = sizeof rate};
  if (self->thread != 0 || self->api->field(self->host, call, str("/rate"), &rate) != BH_OK || rate.i <= 0) return BH_E_INVALID;
  self->rate = rate.i;
  /* The token is there before the thread looks at it: it is 1 for the first and only thread. */
  self->thread = 1;
  bh_token thread;
  bh_rc rc = self->threads->spawn(self->host, str("stream"), run, self, &thread);
  return rc < 0 ? rc : self->api->reply(self->host, call->delivery, BH_OK, (bh_bytes){(const uint8_t *)"true", 4});
}

BH_EXPORT bh_rc halt(bh_self *self, const bh_event *call) {
  if (self->thread != 0) self->threads->join(self->host, self->thread);
  char json[96];
  int length = snprintf(json, sizeof json, "{\"sent\":%" PRIu64 ",\"failed\":%" PRIu64 "}", atomic_load(&self->sent),
                        atomic_load(&self->failed));
  return self->api->reply(self->host, call->delivery, BH_OK, (bh_bytes){(const uint8_t *)json, (size_t)length});
}

static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
  (void)start;
  bh_self *self = calloc(1, sizeof *self);
  if (self == NULL) return BH_E_NOSPACE;
  self->host = host;
  self->api = api;
  self->threads = api->query(host, str(BH_THREAD), 1);
  self->topic = api->topic(host, str("bench.tick"));
  *out = self;
  return self->threads != NULL && self->topic != 0 ? BH_OK : BH_E_INTERNAL;
}

static void destroy(bh_self *self) { free(self); }

static const bh_plugin plugin = {
    .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
    .name = {"stream", 6}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy,
};

BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; return &plugin; }
