/* Breaks the rules of bothost.h one by one. Each trial says what the host answered; the test knows what it should have said. */
#include <bothost.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bh_self {
  bh_host *host;
  const bh_host_api *api;
  bh_token late;       /* a delivery that was settled long ago */
  bh_token before;     /* handed over: a token of the generation before */
  bh_token connection; /* one that was never opened */
};

static char big[70000];
static const bh_str none = {NULL, 0};

static bh_str str(const char *text) { return (bh_str){text, strlen(text)}; }
static bh_str long_text(void) {
  memset(big, 'x', sizeof big);
  return (bh_str){big, sizeof big};
}

/* What the trials found, as a JSON object. */
struct report {
  char text[4096];
  size_t length;
};
static void note(struct report *report, const char *what, long long value) {
  report->length += (size_t)snprintf(report->text + report->length, sizeof report->text - report->length, "%s\"%s\":%lld",
                                     report->length > 1 ? "," : "", what, value);
}

static bh_outgoing event(const char *topic, const char *json) {
  bh_outgoing out = {.size = sizeof out, .topic = str(topic)};
  out.payload = (bh_bytes){(const uint8_t *)json, strlen(json)};
  return out;
}

static bh_rc refuse(void *sink, const void *data, size_t len) {
  (void)sink, (void)data, (void)len;
  return BH_E_NOSPACE;
}
static bh_rc accept(void *sink, const void *data, size_t len) {
  (void)sink, (void)data, (void)len;
  return BH_OK;
}

static void tokens(bh_self *self, const bh_event *call, struct report *report) {
  note(report, "ack_nothing", self->api->ack(self->host, 0));
  note(report, "ack_invented", self->api->ack(self->host, 0xDEADBEEFCAFEull));
  note(report, "ack_all_ones", self->api->ack(self->host, ~0ull));
  note(report, "ack_a_call", self->api->ack(self->host, call->delivery));
  note(report, "ack_late", self->api->ack(self->host, self->late));
  note(report, "ack_of_the_generation_before", self->api->ack(self->host, self->before));
  note(report, "nack_without_a_failure", self->api->nack(self->host, call->delivery, BH_OK, 0, none));
  note(report, "reply_to_nothing", self->api->reply(self->host, 12345, BH_OK, (bh_bytes){NULL, 0}));
  note(report, "reply_no_json", self->api->reply(self->host, call->delivery, BH_OK, (bh_bytes){(const uint8_t *)"{", 1}));
}

static void publishing(bh_self *self, struct report *report) {
  const bh_host_api *api = self->api;
  bh_outgoing out = event("hostile.undeclared", "1");
  note(report, "undeclared", api->publish(self->host, 0, &out));
  out = event("..", "1");
  note(report, "no_topic", api->publish(self->host, 0, &out));
  out = event("", "1");
  note(report, "empty_topic", api->publish(self->host, 0, &out));
  out = event("hostile.event", "1");
  out.topic_ref = 123456789;
  note(report, "invented_ref", api->publish(self->host, 0, &out));
  out.topic_ref = ~0ull;
  note(report, "huge_ref", api->publish(self->host, 0, &out));
  out = event("hostile.event", "1");
  out.size = 0;
  note(report, "no_size", api->publish(self->host, 0, &out));
  out.size = 16;
  note(report, "small_size", api->publish(self->host, 0, &out));
  out = event("hostile.event", "{\"n\": 1");
  note(report, "no_json", api->publish(self->host, 0, &out));
  out = event("hostile.event", "1");
  out.key = long_text();
  note(report, "long_key", api->publish(self->host, 0, &out));
  out = event("hostile.event", "1");
  out.content_type = long_text();
  note(report, "long_content_type", api->publish(self->host, 0, &out));
  out = event("hostile.event", "1");
  out.topic = long_text();
  note(report, "long_topic", api->publish(self->host, 0, &out));
  out = event("hostile.event", "1");
  out.header_count = 4000000000u;
  note(report, "headers_of_nothing", api->publish(self->host, 0, &out));
  out = event("hostile.event", "1");
  out.payload = (bh_bytes){NULL, 100};
  note(report, "payload_of_nothing", api->publish(self->host, 0, &out));
  out = event("hostile.event", "1");
  out.payload.len = (size_t)-1;
  note(report, "negative_payload", api->publish(self->host, 0, &out));
  out = event("hostile.event", "1");
  out.key = (bh_str){NULL, 7};
  note(report, "key_of_nothing", api->publish(self->host, 0, &out));
  out = event("hostile.event", "1");
  note(report, "effect_of_an_invented_delivery", api->publish(self->host, 987654321, &out));
  note(report, "nothing", api->publish(self->host, 0, NULL));
  note(report, "topic_of_nothing", (long long)api->topic(self->host, (bh_str){NULL, 5}));
  note(report, "long_topic_ref", (long long)api->topic(self->host, long_text()));
}

static void reading(bh_self *self, const bh_event *call, struct report *report) {
  const bh_host_api *api = self->api;
  bh_value value = {0};
  note(report, "field_without_size", api->field(self->host, call, str("/trial"), &value));
  value.size = sizeof value;
  note(report, "field_no_pointer", api->field(self->host, call, str("trial"), &value));
  note(report, "field_pointer_of_nothing", api->field(self->host, call, (bh_str){NULL, 3}, &value));
  note(report, "config_refused", api->config_get(self->host, none, refuse, NULL));
  note(report, "config_no_writer", api->config_get(self->host, none, NULL, NULL));
  note(report, "config_missing", api->config_get(self->host, str("/nothing"), accept, NULL));
  note(report, "query_unknown", api->query(self->host, str("bh.nothing"), 1) != NULL);
  note(report, "query_newer", api->query(self->host, str(BH_KV), 99) != NULL);
  note(report, "query_of_nothing", api->query(self->host, (bh_str){NULL, 4}, 1) != NULL);
  const bh_event *kept = NULL;
  note(report, "retain", api->retain(self->host, call, &kept));
  note(report, "retain_nowhere", api->retain(self->host, call, NULL));
  note(report, "retain_nothing", api->retain(self->host, NULL, &kept));
  api->log(self->host, 99, long_text(), NULL, 5);
  api->log(self->host, BH_LOG_INFO, (bh_str){"\xff\xfe\x1b[31m", 7}, NULL, 0);
  api->log(self->host, BH_LOG_INFO, (bh_str){NULL, 9}, NULL, 0);
  api->set_error(self->host, 7, (bh_str){NULL, 9});
}

static void services(bh_self *self, struct report *report) {
  const bh_host_api *api = self->api;
  const bh_timer_v1 *timer = api->query(self->host, str(BH_TIMER), 1);
  const bh_metric_v1 *metric = api->query(self->host, str(BH_METRIC), 1);
  const bh_kv_v1 *kv = api->query(self->host, str(BH_KV), 1);
  const bh_thread_v1 *thread = api->query(self->host, str(BH_THREAD), 1);
  const bh_net_v1 *net = api->query(self->host, str(BH_NET), 1);
  const bh_rpc_v1 *rpc = api->query(self->host, str(BH_RPC), 1);
  const bh_secret_v1 *secret = api->query(self->host, str(BH_SECRET), 1);
  const bh_trace_v1 *trace = api->query(self->host, str(BH_TRACE), 1);
  char name[32];
  int timers = 0, metrics = 0;
  for (int i = 0; i < 5000; i++) {
    snprintf(name, sizeof name, "t%d", i);
    if (timer->set(self->host, str(name), 3600ull * 1000000000, 0, (bh_bytes){NULL, 0}) == BH_OK) timers++;
  }
  for (int i = 0; i < 5000; i++) {
    snprintf(name, sizeof name, "t%d", i);
    timer->cancel(self->host, str(name));
  }
  note(report, "timers", timers);
  note(report, "timer_long_name", timer->set(self->host, long_text(), 1, 0, (bh_bytes){NULL, 0}));
  note(report, "timer_no_name", timer->set(self->host, none, 1, 0, (bh_bytes){NULL, 0}));
  note(report, "timer_no_json", timer->set(self->host, str("x"), 1, 0, (bh_bytes){(const uint8_t *)"{", 1}));
  note(report, "timer_for_ever", timer->set(self->host, str("ever"), ~0ull, ~0ull, (bh_bytes){NULL, 0}));
  note(report, "timer_cancel_ever", timer->cancel(self->host, str("ever")));
  bh_token made = 0;
  for (int i = 0; i < 2000; i++) {
    snprintf(name, sizeof name, "m%d", i);
    if (metric->define(self->host, BH_METRIC_COUNTER, str(name), str("help"), &made) == BH_OK) metrics++;
  }
  note(report, "metrics", metrics);
  note(report, "metric_kind", metric->define(self->host, 77, str("kind"), str("help"), &made));
  note(report, "metric_name", metric->define(self->host, BH_METRIC_GAUGE, str("NO \n name"), str("help"), &made));
  metric->record(self->host, 0xFFFFFFFFFFFFull, 1);
  note(report, "kv_long_key", kv->put(self->host, 0, long_text(), (bh_bytes){NULL, 0}, BH_KV_ANY, 0));
  note(report, "kv_no_key", kv->put(self->host, 0, none, (bh_bytes){NULL, 0}, BH_KV_ANY, 0));
  note(report, "kv_negative", kv->put(self->host, 0, str("k"), (bh_bytes){(const uint8_t *)big, (size_t)-1}, BH_KV_ANY, 0));
  note(report, "kv_conflict", kv->put(self->host, 0, str("k"), (bh_bytes){NULL, 0}, 4711, 0));
  note(report, "kv_no_writer", kv->get(self->host, str("k"), NULL, NULL, NULL));
  note(report, "kv_no_entry", kv->scan(self->host, none, none, 0, NULL, NULL));
  bh_net_spec spec = {.size = sizeof spec, .name = str("out"), .host = str("192.0.2.1"), .port = 80, .framing = BH_FRAMING_LINES};
  note(report, "dial_forbidden", net->dial(self->host, &spec, &self->connection));
  spec.size = 4;
  note(report, "dial_small", net->dial(self->host, &spec, &self->connection));
  note(report, "dial_nothing", net->dial(self->host, NULL, &self->connection));
  note(report, "write_nowhere", net->write(self->host, 0, 4711, (bh_bytes){(const uint8_t *)"x", 1}));
  note(report, "close_nowhere", net->close(self->host, 4711));
  note(report, "listen", net->listen(self->host, &spec, &self->connection));
  note(report, "thread_nothing", thread->spawn(self->host, str("t"), NULL, NULL, &made));
  note(report, "thread_join_nothing", thread->join(self->host, 4711));
  note(report, "lane_nothing", thread->on_lane(self->host, NULL, NULL));
  note(report, "call_unknown", rpc->call(self->host, 0, str("nobody.nothing"), (bh_bytes){NULL, 0}, 0, NULL, NULL, NULL));
  note(report, "call_no_json", rpc->call(self->host, 0, str("hostile.ping"), (bh_bytes){(const uint8_t *)"{", 1}, 0, NULL, NULL, NULL));
  note(report, "call_of_nothing", rpc->call(self->host, 0, (bh_str){NULL, 3}, (bh_bytes){NULL, 0}, 0, NULL, NULL, NULL));
  note(report, "cancel_nothing", rpc->cancel(self->host, 4711));
  note(report, "amend_nothing", rpc->amend(self->host, 4711, (bh_bytes){NULL, 0}));
  note(report, "pass_nothing", rpc->pass(self->host, 4711));
  note(report, "secret_unknown", secret->use(self->host, str("nothing"), NULL, NULL));
  if (trace != NULL) note(report, "span_nothing", trace->end(self->host, 4711, BH_OK));
}

BH_EXPORT bh_rc attack(bh_self *self, const bh_event *call) {
  struct report report = {"{", 1};
  bh_value trial = {.size = sizeof trial};
  if (self->api->field(self->host, call, str("/trial"), &trial) != BH_OK) return BH_E_INVALID;
  if (strncmp(trial.text.ptr, "tokens", trial.text.len) == 0) tokens(self, call, &report);
  if (strncmp(trial.text.ptr, "publishing", trial.text.len) == 0) publishing(self, &report);
  if (strncmp(trial.text.ptr, "reading", trial.text.len) == 0) reading(self, call, &report);
  if (strncmp(trial.text.ptr, "services", trial.text.len) == 0) services(self, &report);
  report.text[report.length++] = '}';
  bh_bytes result = {(const uint8_t *)report.text, report.length};
  bh_rc first = self->api->reply(self->host, call->delivery, BH_OK, result);
  self->api->reply(self->host, call->delivery, BH_OK, result);
  return first;
}

/* Answers ASYNC and forgets about it. */
BH_EXPORT bh_rc never(bh_self *self, const bh_event *call) {
  (void)self, (void)call;
  return BH_ASYNC;
}

/* ping waits for pong, and pong for ping: a circle. */
static bh_rc chain(bh_self *self, const bh_event *call, const char *next) {
  const bh_rpc_v1 *rpc = self->api->query(self->host, str(BH_RPC), 1);
  bh_rc rc = rpc->call(self->host, call->delivery, str(next), (bh_bytes){NULL, 0}, 0, NULL, NULL, NULL);
  if (rc < 0) return rc;
  return BH_ASYNC;
}
BH_EXPORT bh_rc ping(bh_self *self, const bh_event *call) { return chain(self, call, "hostile.pong"); }
BH_EXPORT bh_rc pong(bh_self *self, const bh_event *call) { return chain(self, call, "hostile.ping"); }

struct settle {
  bh_self *self;
  bh_token delivery;
};
static void *settle_elsewhere(void *context) {
  struct settle *settle = context;
  settle->self->api->ack(settle->self->host, settle->delivery);
  settle->self->api->nack(settle->self->host, settle->delivery, BH_E_RETRY, 0, none);
  free(settle);
  return NULL;
}

/* Orders what to do with the delivery itself. */
BH_EXPORT bh_rc on_order(bh_self *self, const bh_event *e) {
  bh_value what = {.size = sizeof what};
  if (self->api->field(self->host, e, str("/what"), &what) != BH_OK) return BH_E_REJECT;
  bh_str word = what.text;
#define IS(text) (word.len == strlen(text) && memcmp(word.ptr, text, word.len) == 0)
  if (IS("double")) {
    self->api->ack(self->host, e->delivery);
    self->api->ack(self->host, e->delivery);
    self->late = e->delivery;
    return BH_OK;
  }
  if (IS("ack-and-fail")) {
    self->api->ack(self->host, e->delivery);
    return BH_E_RETRY;
  }
  if (IS("async-after-ack")) {
    self->api->ack(self->host, e->delivery);
    return BH_ASYNC;
  }
  if (IS("never")) {
    self->late = e->delivery;
    return BH_ASYNC;
  }
  if (IS("elsewhere")) {
    struct settle *settle = malloc(sizeof *settle);
    if (settle == NULL) return BH_E_RETRY;
    *settle = (struct settle){self, e->delivery};
    pthread_t thread;
    if (pthread_create(&thread, NULL, settle_elsewhere, settle) != 0) return BH_E_RETRY;
    pthread_detach(thread);
    return BH_ASYNC;
  }
  if (IS("strange")) return 12345;
  if (IS("stranger")) return -12345;
  if (IS("settle-late")) return self->api->ack(self->host, self->late) < 0 ? BH_OK : BH_E_REJECT;
  return BH_OK;
}

BH_EXPORT bh_rc on_timer(bh_self *self, const bh_event *e) {
  (void)self, (void)e;
  return BH_OK;
}

static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
  (void)start;
  bh_self *self = calloc(1, sizeof *self);
  if (self == NULL) return BH_E_INTERNAL;
  self->host = host;
  self->api = api;
  /* In standby nothing of this may work. */
  bh_outgoing out_event = event("hostile.event", "1");
  if (api->publish(host, 0, &out_event) != BH_E_DENIED) return BH_E_INTERNAL;
  const bh_timer_v1 *timer = api->query(host, str(BH_TIMER), 1);
  if (timer->set(host, str("early"), 1, 0, (bh_bytes){NULL, 0}) >= 0) return BH_E_INTERNAL;
  *out = self;
  return BH_OK;
}

static bh_rc export_state(bh_self *self, uint32_t phase, uint32_t version, bh_writer writer, void *sink) {
  (void)phase, (void)version;
  return writer(sink, &self->late, sizeof self->late);
}

static bh_rc import_state(bh_self *self, uint32_t phase, bh_str format, uint32_t version, bh_bytes state) {
  (void)phase, (void)format, (void)version;
  if (state.len != sizeof self->before) return BH_E_INVALID;
  memcpy(&self->before, state.ptr, state.len);
  return BH_OK;
}

static void destroy(bh_self *self) { free(self); }

static const bh_plugin plugin = {
    .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
    .name = {"hostile", 7}, .version = {"1.0.0", 5}, .state_format = {"token", 5}, .state_version = 1,
    .create = create, .export_state = export_state, .import_state = import_state, .destroy = destroy,
};

BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) {
  (void)minor;
  return &plugin;
}
