/*
 * bothost.h - the C ABI between bothost and its plugins, version 1.
 *
 * This is the only file that a plugin's author needs. It compiles as C99, C++17 and through Swift's
 * importer without a warning, on 64-bit targets.
 *
 * A plugin is a shared library and a manifest. The library exports one function,
 * `bh_plugin_entry_v1`, which returns a constant descriptor. The host looks at the library without running it, maps a private
 * copy, reads the descriptor, and drives it through the life
 *
 *     create -> activate -> (handle | invoke | exported functions)... -> quiesce -> export_state -> destroy
 *
 * The manifest, not the code, says which topics, methods and hooks reach which function.
 *
 * RULES THAT HOLD FOR EVERY DECLARATION
 *
 * Memory.   What one side passes to the other is borrowed until the call returns; to keep it, copy it (or
 *           `retain` an event, the one exception). Nobody frees what the other side allocated. A result
 *           is written through a `bh_writer` that the receiver supplies, so no allocator crosses.
 * Text.     `bh_str` is UTF-8 with a length. No terminating NUL is promised and none may be expected.
 *           `ptr` may be NULL when `len` is 0.
 * Growth.   A struct that may grow begins with `size`, which the side that fills it sets to its own
 *           sizeof. Members are only ever appended, so a reader tests `BH_HAS(p, member)` before it
 *           reads one that came after version 1.0. Flag bits and error numbers are never used again.
 * Results.  `bh_rc`: zero and above are kinds of success, below zero kinds of failure. To say more than
 *           the number, call `set_error` before returning it.
 * Tokens.   What outlives a call is a `bh_token`, never a pointer. Tokens carry the generation that got
 *           them; after a swap the old ones answer BH_E_STALE and do no harm.
 * Promises. A callback that comes with a context of the plugin's own (`settled`, `done`, `ended`) is called exactly once when the function
 *           that took it has succeeded, and never when that failed, so that the plugin can free the context in it.
 *           It is called on the lane, between two events, also between `quiesce` and `destroy`, and never after
 *           `destroy` has been called. What is open when a generation ends is told BH_E_STALE or BH_E_CANCELLED
 *           before. (A plugin whose function never returns is never destroyed.)
 * Threads.  The host enters one `bh_self` from one thread at a time, its lane, unless the descriptor has
 *           BH_PLUGIN_REENTRANT. The table at `bh_plugin` says which thread makes which call. Every
 *           host function may be called from any thread, with the exceptions that its comment names.
 *           The host holds no lock while it is inside a plugin.
 * Time.     Durations are nanoseconds in uint64_t. `..._mono_ns` is CLOCK_MONOTONIC, `..._unix_ns` is
 *           nanoseconds since 1970-01-01 UTC. 0 means "none" or "the default" where a comment says so.
 * Answers.  What is not bound to a delivery (a token of 0, `kv.get`, `config_get`) is done, or has failed, when the call returns.
 *           What is bound to one (`publish`, `put`, `write` with a delivery; `ack`, `reply`, which apply it) is done
 *           when the delivery's effects are, and a plugin may run in a worker process (`isolation: process`), where
 *           BH_OK then means "accepted": whether it came to be is told by `settled`, by an event, or by the
 *           delivery coming again. "In the host's process" marks what a plugin can rely on with
 *           `isolation: thread` alone; one that is to run in both does not.
 * Never     C++ exceptions, Rust panics, Swift errors, longjmp; memory that the other side would free;
 * crosses   types of any language's library; thread-local or errno state; signal handlers, locale, exit,
 *           fork, chdir, setenv; a lock held over a call; a pointer kept past its borrow.
 */
#ifndef BOTHOST_H
#define BOTHOST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. A descriptor states the versions that it was built with; the host loads it
 * when the major is one that it speaks (the entry symbol's name carries it), also when the plugin's minor is newer than
 * the host's, because every addition is guarded by `size` or by `query`. "Since 1.1" marks what came later than 1.0. */
#define BH_ABI_MAJOR 1u
#define BH_ABI_MINOR 1u

/* True when the struct that `p` points to is large enough to hold `member`. */
#define BH_HAS(p, member) \
  ((p)->size >= (uint32_t)((const char *)&(p)->member - (const char *)(p) + sizeof((p)->member)))

/* Marks the one function that a plugin exports, and functions that its manifest names. */
#if defined(__GNUC__) || defined(__clang__)
#define BH_EXPORT __attribute__((used, visibility("default")))
#else
#define BH_EXPORT
#endif

/* Embeds the C signature of an exported function, in the manifest's notation, so that the host can compare
 * it with the manifest before it calls through libffi:
 *     BH_SIG(on_push, "i32(self,str,i64)");
 * A difference refuses the library. */
#define BH_SIG(function, text) BH_EXPORT const char bh_sig__##function[] = text

/* ------------------------------------------------------------------------------------------------ *
 * Plain data
 * ------------------------------------------------------------------------------------------------ */

/* UTF-8 text, borrowed. */
typedef struct bh_str {
  const char *ptr;
  size_t len;
} bh_str;

/* Bytes, borrowed. */
typedef struct bh_bytes {
  const uint8_t *ptr;
  size_t len;
} bh_bytes;

/* One header of an event: metadata that is no part of the payload. Names are case-sensitive. */
typedef struct bh_header {
  bh_str name;
  bh_bytes value;
} bh_header;

/* The host as one generation of one plugin instance sees it. Opaque; valid from `create` until `destroy`
 * has returned. */
typedef struct bh_host bh_host;

/* The plugin's own object, made by `create`. Opaque to the host, which passes it back to every call. */
typedef struct bh_self bh_self;

/* Names a delivery, an operation, a connection, a timer, a thread. 0 names nothing. */
typedef uint64_t bh_token;

/* The result of a call; see the constants below. */
typedef int32_t bh_rc;

/* Successes. Only BH_OK is meaningful everywhere; the others are answers of `handle`, exported handlers,
 * `invoke` and hooks. */
enum {
  BH_OK = 0,    /* done; a delivery is acknowledged, a method call has been replied to */
  BH_ASYNC = 1, /* the plugin will `ack`, `nack` or `reply` later, before the deadline */
  BH_SKIP = 2,  /* not for me: acknowledged, and not counted as handled; when all skip what somebody has to take, it
                 * is a dead letter; a hook passes the call on */
  BH_STOP = 3   /* done, and handlers of lower priority on the same event are not asked any more */
};

/* Failures. */
enum {
  BH_E_RETRY = -1,       /* try the delivery again, after the manifest's backoff */
  BH_E_REJECT = -2,      /* never try it again: it goes to the dead letters at once */
  BH_E_INVALID = -3,     /* an argument is wrong; the message says which */
  BH_E_DENIED = -4,      /* the manifest does not permit it, or an effect was tried in standby */
  BH_E_NOTFOUND = -5,    /* no such key, method, topic, connection */
  BH_E_BUSY = -6,        /* a bound is reached: a full queue, too many calls under way */
  BH_E_TIMEOUT = -7,     /* the deadline passed */
  BH_E_CANCELLED = -8,   /* somebody cancelled it, or the host is stopping */
  BH_E_STALE = -9,       /* the token belongs to a settled delivery or to a generation that is gone */
  BH_E_NOSPACE = -10,    /* a size limit or a quota is reached: 16 MiB for what is published, an argument, a result */
  BH_E_UNSUPPORTED = -11, /* this host does not offer it */
  BH_E_INTERNAL = -12,   /* a fault of the side that answers */
  BH_E_CONFLICT = -13,   /* the expected revision is not the current one */
  BH_E_CYCLE = -14       /* the call would wait for itself through a chain of calls */
};

/* Receives `n` bytes of a result; may be called several times for one result, in order. Returns BH_OK, or
 * a failure that the caller passes on unchanged. Supplied by the side that wants the result. */
typedef bh_rc (*bh_writer)(void *sink, const void *bytes, size_t n);

/* ------------------------------------------------------------------------------------------------ *
 * Events
 * ------------------------------------------------------------------------------------------------ */

enum {
  BH_EVENT_REDELIVERED = 1u << 0, /* handed out before, to this or an earlier generation or process */
  BH_EVENT_REPLAY = 1u << 1,      /* brought back by an operator from the dead letters or the journal */
  BH_EVENT_SHADOW = 1u << 2,      /* a mirrored event: effects are compared, not applied */
  BH_EVENT_JSON = 1u << 3,        /* the payload has been checked: it is one well-formed UTF-8 JSON value */
  BH_EVENT_DURABLE = 1u << 4      /* journaled: it comes back after a crash until it is settled */
};

/* An event as one handler sees it, or the argument of a method call. The host fills it; everything it
 * points to is borrowed until the handler returns, or, on an event from `retain`, until `release`.
 *
 * Of a method call: `topic` is the method's full name (`plugin.method`), `source` the calling instance,
 * `payload` the JSON argument, `delivery` the token to `reply` to. */
typedef struct bh_event {
  uint32_t size;
  uint32_t flags;            /* BH_EVENT_... */
  uint64_t id[2];            /* unique over all hosts; [0] grows with time */
  uint64_t seq;              /* position in this lane, without gaps */
  int64_t time_unix_ns;      /* when it was published */
  int64_t deadline_mono_ns;  /* the delivery must be settled before; 0: no deadline */
  bh_str topic;
  bh_str source;             /* the instance that published it */
  bh_str key;                /* ordering key; events with equal source, topic and key keep their order */
  bh_str correlation_id;     /* carried along from the event or call that caused this one */
  bh_str content_type;       /* empty: application/json */
  bh_bytes payload;          /* at most 16 MiB; of net.NAME.frame, as much as `max_frame` permits */
  const bh_header *headers;
  uint32_t header_count;
  uint32_t attempt;          /* 1 on the first try */
  bh_token delivery;         /* names this delivery; see `ack`, `publish` */
  uint32_t binding;          /* the number that `bind` gave for the manifest's `call`; 0: none */
  uint32_t reserved;
} bh_event;

/* Told exactly once how a published event ended, unless `publish` failed: BH_OK when every handler that it reached has
 * acknowledged it (or there was none), BH_E_REJECT when one gave it to the dead letters, or when no handler took it and the
 * manifest says that somebody has to (`mandatory`), BH_E_CANCELLED when it was never sent because its delivery failed,
 * BH_E_STALE when the publisher's generation ends before it is known; the event goes its way then. See "Promises" above.
 * `message` is borrowed until it returns. */
typedef void (*bh_publish_settled)(void *context, bh_rc rc, bh_str message);

/* Told how a delivery or a method call ended for the one who handles it; see `on_end`. Since 1.1. */
typedef void (*bh_ended)(void *context, bh_rc how);

/* An event to publish. Borrowed: the host copies what it needs before `publish` returns. */
typedef struct bh_outgoing {
  uint32_t size;
  uint32_t flags;       /* 0 */
  bh_str topic;
  uint64_t topic_ref;   /* from `topic`; when not 0, `topic` is not looked at */
  bh_str key;           /* ordering key, may be empty */
  bh_str correlation_id; /* empty: that of the delivery named in `publish` */
  bh_str content_type;  /* empty: application/json, and the payload is checked to be JSON */
  bh_bytes payload;
  const bh_header *headers;
  uint32_t header_count;
  uint32_t reserved;
  bh_publish_settled settled; /* NULL: the publisher does not want to know */
  void *settled_context;      /* passed to `settled`; the publisher's own */
} bh_outgoing;

/* Kinds of `bh_value`. */
enum {
  BH_VALUE_NULL = 0,
  BH_VALUE_BOOL = 1,   /* i is 0 or 1 */
  BH_VALUE_INT = 2,    /* i */
  BH_VALUE_DOUBLE = 3, /* f */
  BH_VALUE_STRING = 4, /* text, unescaped */
  BH_VALUE_LIST = 5,   /* text is the JSON of the list */
  BH_VALUE_MAP = 6     /* text is the JSON of the map */
};

/* One field of a JSON payload. `text` is borrowed for as long as the event that it came from. */
typedef struct bh_value {
  uint32_t size;
  uint32_t kind; /* BH_VALUE_... */
  int64_t i;
  double f;
  bh_str text;
} bh_value;

/* ------------------------------------------------------------------------------------------------ *
 * What the host offers
 * ------------------------------------------------------------------------------------------------ */

enum {
  BH_LOG_ERROR = 1,
  BH_LOG_WARNING = 2,
  BH_LOG_NOTICE = 3, /* what an operator wants to see once: connected, started, stopped */
  BH_LOG_INFO = 4,
  BH_LOG_DEBUG = 5
};

enum {
  BH_CLOCK_UNIX = 0, /* nanoseconds since 1970-01-01 UTC */
  BH_CLOCK_MONO = 1  /* CLOCK_MONOTONIC; what deadlines are in */
};

/* Why a generation ends; see `ending`. Since 1.1. */
enum {
  BH_ENDING_NOT = 0,    /* it serves, or has not begun to */
  BH_ENDING_STOP = 1,   /* the instance is stopped, or the host ends; nobody comes after it for now */
  BH_ENDING_SWAP = 2,   /* another generation of the instance is about to take over, with its state */
  BH_ENDING_RESTART = 3 /* it is stopped, and started again at once or, after a failure, in a while */
};

/* The core table. Frozen: members are only appended. The host passes a constant table to `create`; it is
 * valid until `destroy` has returned. Functions are callable from any thread. */
typedef struct bh_host_api {
  uint32_t size;
  uint32_t abi_minor;

  /* Writes a line to the host's log, under the name of the instance. Bounded: above the rate that the
   * host allows, lines are counted and summed up. Secrets of the instance are masked. */
  void (*log)(bh_host *host, int32_t level, bh_str message, const bh_header *fields,
              uint32_t field_count);

  /* Says why the call that is about to return a failure failed. Per thread and call; the last text wins.
   * The host shows it wherever it shows the failure. */
  void (*set_error)(bh_host *host, bh_rc code, bh_str message);

  /* An interface by name ("bh.kv") with at least that version, or NULL when this host has none. The pointer is a
   * constant struct that begins with `size` and `version`, valid until `destroy` has returned. */
  const void *(*query)(bh_host *host, bh_str interface_name, uint32_t min_version);

  /* Settles a delivery for which the handler answered BH_ASYNC: its effects are applied, all or none, then it is
   * acknowledged. When an effect cannot be applied (a full lane with `full: reject`, a conflict in the store, a full
   * disk), none is, and the delivery is tried again as the manifest's `retry` says. In the host's process BH_OK means that
   * they have been applied, and a failure of one is the answer; in a worker BH_OK means that the settlement is accepted.
   * BH_E_STALE when it is settled already or its deadline has passed. */
  bh_rc (*ack)(bh_host *host, bh_token delivery);

  /* Settles it as failed; its effects are dropped. `why` is BH_E_RETRY (after `retry_after_ns`, or the
   * manifest's backoff when that is 0) or BH_E_REJECT; any other failure counts as BH_E_RETRY.
   * `message` is kept with the dead letter. */
  bh_rc (*nack)(bh_host *host, bh_token delivery, bh_rc why, uint64_t retry_after_ns,
                bh_str message);

  /* Publishes an event. With a delivery, the event is an effect of it: it comes out when the delivery is
   * acknowledged, together with its other effects, and never when it is not. With 0 it comes out now.
   * When a subscriber's lane is full and its policy is `wait`, the call waits; where waiting would close
   * a circle of waiting lanes it returns BH_E_BUSY instead. A topic marked durable is on disk when the
   * call returns; for an effect, before the delivery counts as acknowledged. A payload has at most 16 MiB.
   * On a topic that the manifest declares `mandatory`, an event that no handler takes is a dead letter.
   * BH_E_DENIED: the manifest does not declare the topic, the topic is below "sys.", "dead." or "host.", which the host
   * alone publishes, or the instance is in standby. */
  bh_rc (*publish)(bh_host *host, bh_token delivery_or_0, const bh_outgoing *event);

  /* A number for a topic name, to be used as `topic_ref`; valid until `destroy`. 0 when the name is no
   * topic. Saves the look-up by name on each publish. */
  uint64_t (*topic)(bh_host *host, bh_str name);

  /* Writes the configuration's value at a JSON pointer (RFC 6901; empty: the whole) as JSON. A secret
   * stands there as {"$secret": "name"}; its value comes from `bh.secret`. */
  bh_rc (*config_get)(bh_host *host, bh_str json_pointer, bh_writer writer, void *sink);

  /* Reads one field of the event's JSON payload by JSON pointer, without the plugin parsing JSON.
   * BH_E_NOTFOUND: there is no such field; BH_E_INVALID: the payload is not JSON. Set `out->size`. */
  bh_rc (*field)(bh_host *host, const bh_event *event, bh_str json_pointer, bh_value *out);

  /* Keeps an event beyond the call: `*kept` stays valid, on any thread, until `release`. The host counts
   * what is kept and reports what a generation did not give back. */
  bh_rc (*retain)(bh_host *host, const bh_event *event, const bh_event **kept);
  void (*release)(bh_host *host, const bh_event *kept);

  /* Answers a method call, once. With rc BH_OK, `result` is the JSON result (empty: null) of at most 16 MiB. With a
   * failure it is the message, as text. May be called inside `invoke` or later, after BH_ASYNC. Effects of the call are
   * applied first; when one cannot be, its failure is what the caller gets, and, in the host's process, the answer here. */
  bh_rc (*reply)(bh_host *host, bh_token call, bh_rc rc, bh_bytes result);

  /* The time now. Use it instead of the C library's, so that tests can turn the clock. */
  int64_t (*now)(bh_host *host, uint32_t clock);

  /* Not 0 when an event on the topic, published now, would reach anybody: a handler, the journal, somebody who
   * watches, the dead letters. 0 spares the plugin the making of a payload that nobody would read. Cheap: ask for each event. */
  int32_t (*wanted)(bh_host *host, uint64_t topic_ref);

  /* Since 1.1. Why this generation ends: one of BH_ENDING_..., from before `quiesce` until `destroy` has returned;
   * BH_ENDING_NOT again from before `resume`. At a swap what others see should stay as it is (rooms are not left,
   * nobody is told goodbye); a swap may still be given up. Read other values as BH_ENDING_STOP. */
  uint32_t (*ending)(bh_host *host);

  /* Since 1.1. Asks to be told once when the delivery or the call that the token names is over, so that work for it that
   * nobody waits for any more can stop: an HTTP request is cancelled, a thread is told to return. `how` is BH_OK when the
   * plugin has settled it (a result other than BH_ASYNC, `ack`, `nack`, `reply`, `pass`), else why it can settle it no more:
   * BH_E_TIMEOUT (its deadline has passed), BH_E_CANCELLED (the caller has cancelled the call or has gone, or the delivery was
   * taken back and will be delivered again), BH_E_STALE (the generation ends). Every later settlement is BH_E_STALE then.
   * Called on the lane, so never while the handler itself runs; see "Promises" above. Any thread may ask, while the handler runs
   * or after it has answered BH_ASYNC. BH_E_STALE: it is over already; BH_E_BUSY: the token has 16 of these, or the
   * instance waits for too much (65,536 calls, events and these). */
  bh_rc (*on_end)(bh_host *host, bh_token delivery, bh_ended ended, void *context);
} bh_host_api;

/* --- bh.kv: state that outlives restarts and swaps -------------------------------------------------- */

#define BH_KV "bh.kv"

/* Receives one entry of a scan, in order of the key's bytes. Anything but BH_OK ends the scan. */
typedef bh_rc (*bh_kv_entry)(void *context, bh_str key, bh_bytes value, uint64_t revision);

/* Keys belong to the instance's name, not to its generation. Every entry has a revision, which grows with
 * each write. Calls are on disk when they return, or, bound to a delivery, before that counts as acknowledged. Bounds: a key has
 * at most 512 bytes, a value 16 MiB, an instance as much as its manifest's `permissions.kv_bytes`. */
typedef struct bh_kv_v1 {
  uint32_t size, version;

  /* Writes the value and its revision. BH_E_NOTFOUND when there is none or it has expired. */
  bh_rc (*get)(bh_host *host, bh_str key, uint64_t *revision_or_null, bh_writer writer, void *sink);

  /* `expected_revision`: BH_KV_ANY, 0 for "there must be none", or the revision read before;
   * otherwise BH_E_CONFLICT. `ttl_ns` 0: for ever. With a delivery it is an effect of it, whose conflict shows when
   * the delivery is acknowledged: nothing of it is applied then, and it is tried again. */
  bh_rc (*put)(bh_host *host, bh_token delivery_or_0, bh_str key, bh_bytes value,
               uint64_t expected_revision, uint64_t ttl_ns);

  /* Removes an entry; BH_OK also when there is none. */
  bh_rc (*remove)(bh_host *host, bh_token delivery_or_0, bh_str key);

  /* Calls `entry` for the keys that start with `prefix` and come after `after` (empty: from the first), at
   * most `limit` (0: all). The callback must not write to the store. */
  bh_rc (*scan)(bh_host *host, bh_str prefix, bh_str after, uint32_t limit, bh_kv_entry entry,
                void *context);
} bh_kv_v1;

#define BH_KV_ANY UINT64_MAX

/* --- bh.rpc: method calls --------------------------------------------------------------------------- */

#define BH_RPC "bh.rpc"

/* Told exactly once how a call ended, unless `call` failed: with BH_OK `result` is JSON, otherwise the message as text.
 * BH_E_CANCELLED or BH_E_STALE also when the caller's generation ends before the answer has come. See "Promises" above.
 * `result` is borrowed until it returns. */
typedef void (*bh_call_done)(void *context, bh_rc rc, bh_bytes result);

typedef struct bh_rpc_v1 {
  uint32_t size, version;

  /* Calls `instance.method` with a JSON argument. Never blocks. `cause` is the delivery or the call being
   * handled (0: none): it lends its correlation id and chain of callers, by which a call that would wait
   * for itself is refused with BH_E_CYCLE. `timeout_ns` 0: the method's own. `done` may be NULL. */
  bh_rc (*call)(bh_host *host, bh_token cause, bh_str method, bh_bytes argument,
                uint64_t timeout_ns, bh_call_done done, void *context, bh_token *call_or_null);

  /* Ends a call early: `done` comes with BH_E_CANCELLED, and whoever handles it hears of it by `on_end`. */
  bh_rc (*cancel)(bh_host *host, bh_token call);

  /* In a hook: replaces the argument for those that come after, down to the method itself. */
  bh_rc (*amend)(bh_host *host, bh_token call, bh_bytes argument);

  /* In a hook that answered BH_ASYNC: passes the call on, as BH_SKIP does at once. */
  bh_rc (*pass)(bh_host *host, bh_token call);
} bh_rpc_v1;

/* --- bh.hook: who stands before one's own methods ------------------------------------------------- */

#define BH_HOOK "bh.hook"

/* A plugin whose method others hook can learn who they are and what their manifests say of them: commands that they
 * bring, formats that they read. */
typedef struct bh_hook_v1 {
  uint32_t size, version;

  /* Writes those that hook a method of the calling instance, as a JSON list in the order in which they are asked:
   *   {"instance", "priority", "timeout_ns", "match": {pointer: pattern, ...}, "about": ...}
   * `match` and `about` stand in the hooking plugin's manifest. BH_E_NOTFOUND: there is no such method. */
  bh_rc (*list)(bh_host *host, bh_str method, bh_writer writer, void *sink);

  /* A number that changes whenever a hook comes or goes, of any method. Cheap: poll it. */
  uint64_t (*revision)(bh_host *host);
} bh_hook_v1;

/* --- bh.extension: what other manifests say for one's own plugin ----------------------------------- */

#define BH_EXTENSION "bh.extension"

/* Since 1.1. A manifest may have a section for any plugin, `extensions: {PLUGIN: ...}`, which the host takes to be plain data and
 * does not read: functions that it offers to a language, modules for a pipeline. The plugin that is named reads the
 * sections of all instances that are up. Bounds: 16 sections a manifest, each at most 64 KiB as JSON and 16 levels deep. */
typedef struct bh_extension_v1 {
  uint32_t size, version;

  /* Writes the sections for the calling instance's plugin, as a JSON list in the order in which their instances came:
   *   {"instance", "plugin", "content": ...}
   * Who is up later comes later, also after `create` and `activate` of the caller: poll `revision`. */
  bh_rc (*list)(bh_host *host, bh_writer writer, void *sink);

  /* A number that changes whenever a section comes, goes or changes, for any plugin. Cheap: poll it. */
  uint64_t (*revision)(bh_host *host);
} bh_extension_v1;

/* --- bh.timer: time as events ----------------------------------------------------------------------- */

#define BH_TIMER "bh.timer"

/* A timer fires as an event on the topic `timer.NAME`, which only the instance that set it receives: it obeys
 * the lane's order, back-pressure, swap and retry like any other. Timers live through a swap and end with the
 * instance. A period that was missed while the lane was busy is made up for by one event, not by many. */
typedef struct bh_timer_v1 {
  uint32_t size, version;

  /* Sets or replaces the timer of that name: first after `delay_ns`, then each `period_ns` (0: once). The
   * payload (JSON, may be empty) is that of its events. At most 4,096 timers an instance. */
  bh_rc (*set)(bh_host *host, bh_str name, uint64_t delay_ns, uint64_t period_ns, bh_bytes payload);

  /* Ends it; BH_E_NOTFOUND when there is none. An event that is queued already still comes. */
  bh_rc (*cancel)(bh_host *host, bh_str name);
} bh_timer_v1;

/* --- bh.secret: values that nobody else sees -------------------------------------------------------- */

#define BH_SECRET "bh.secret"

/* Receives a secret; the bytes are wiped when it returns. */
typedef bh_rc (*bh_secret_use)(void *context, bh_bytes value);

typedef struct bh_secret_v1 {
  uint32_t size, version;

  /* Calls `use` with the value of a configuration key of type secret, on this thread, and returns what it
   * returns. BH_E_NOTFOUND: the key has no value; BH_E_DENIED: the manifest declares no such secret. */
  bh_rc (*use)(bh_host *host, bh_str name, bh_secret_use use, void *context);
} bh_secret_v1;

/* --- bh.metric: numbers for operators --------------------------------------------------------------- */

#define BH_METRIC "bh.metric"

enum { BH_METRIC_COUNTER = 1, BH_METRIC_GAUGE = 2, BH_METRIC_HISTOGRAM = 3 };

typedef struct bh_metric_v1 {
  uint32_t size, version;

  /* Makes or finds a metric of the instance: name in [a-z0-9_], help in one line. Histograms have fixed
   * buckets that grow by powers of two. At most 1,024 an instance. */
  bh_rc (*define)(bh_host *host, uint32_t kind, bh_str name, bh_str help, bh_token *metric);

  /* Adds to a counter, sets a gauge, observes a value. One atomic operation; safe on the hottest path. */
  void (*record)(bh_host *host, bh_token metric, int64_t value);
} bh_metric_v1;

/* --- bh.net: connections that the host owns --------------------------------------------------------- */

#define BH_NET "bh.net"

enum {
  BH_FRAMING_LINES = 1,    /* ends at LF; one CR before it is dropped; empty lines are dropped */
  BH_FRAMING_LENGTH32 = 2, /* four bytes big-endian length, then the frame */
  BH_FRAMING_RAW = 3       /* whatever came in one read */
};

enum {
  BH_NET_TLS = 1u << 0,       /* TLS 1.2 or newer; the certificate and the host's name are verified */
  BH_NET_RECONNECT = 1u << 1  /* after a loss, connect again with the backoff given below */
};

/* What to connect to. The connection's life is visible as events that only the dialling instance receives, in order with
 * each other:
 *
 *   net.NAME.open    {"local","peer","tls","alpn","attempt"}
 *   net.NAME.frame   one frame; content type application/octet-stream; the payload is the frame
 *   net.NAME.closed  {"reason","error","final","retry_in_ms"}; `final` when nobody will try again
 *
 * When the lane is full the host stops reading, so the peer feels it. The connection, its TLS session and its unsent
 * bytes belong to the instance, not to the generation: they live through a swap. */
typedef struct bh_net_spec {
  uint32_t size;
  uint32_t flags;            /* BH_NET_... */
  bh_str name;               /* [a-z0-9_-]{1,64}: names the connection within the instance */
  bh_str host;               /* a DNS name or an address */
  uint32_t port;
  uint32_t framing;          /* BH_FRAMING_... */
  bh_str server_name;        /* SNI and the name to verify; empty: `host` */
  bh_str ca_file;            /* PEM; certificates trusted besides the system's; empty: none */
  bh_str alpn;               /* one protocol, or empty */
  uint64_t max_frame;        /* bytes, at most 64 MiB; 0: 64 KiB; a larger frame closes the connection, a longer line is dropped and
                              * counted, and one that has no end after 16 times as much, or 1 MiB, closes it, too */
  uint64_t max_unsent;       /* bytes waiting to be written, at most 256 MiB; 0: 1 MiB; beyond it `write` is BH_E_BUSY */
  uint64_t connect_timeout_ns; /* 0: 20 s */
  uint64_t backoff_min_ns;   /* 0: 1 s; doubles up to the maximum, with jitter */
  uint64_t backoff_max_ns;   /* 0: 60 s */
  uint64_t idle_timeout_ns;  /* nothing received for so long closes it; 0: never. A byte is something: whether who sends it
                              * makes sense only the plugin knows. What has come of a frame is bounded by `max_frame`. */
} bh_net_spec;

typedef struct bh_net_v1 {
  uint32_t size, version;

  /* Opens the connection, or, when the instance has one of that name with the same specification, finds
   * it as it is: a new generation dials as the first one did and goes on with the same session. A different
   * specification closes the old one first. BH_E_DENIED: `permissions.connect` does not cover it. */
  bh_rc (*dial)(bh_host *host, const bh_net_spec *spec, bh_token *connection);

  /* Queues bytes, all or nothing; never blocks. With a delivery they are an effect of it: that they cannot be queued
   * then shows when it is acknowledged, and it is tried again. BH_E_BUSY: more than `max_unsent` would wait;
   * BH_E_NOTFOUND: not connected now. In the host's process these two are the answer; in a worker BH_OK may mean that the
   * bytes are accepted, and those that cannot be queued are told by net.NAME.closed, or are gone with the connection, as
   * bytes that were queued and not sent are in both. */
  bh_rc (*write)(bh_host *host, bh_token delivery_or_0, bh_token connection, bh_bytes bytes);

  /* Closes after what is queued has been written, and what is an effect of a delivery that is not settled yet: when that
   * delivery fails, the close is dropped with it. No reconnect follows. */
  bh_rc (*close)(bh_host *host, bh_token connection);

  /* Closes now and connects again at once, or after `delay_ns`. */
  bh_rc (*reconnect)(bh_host *host, bh_token connection, uint64_t delay_ns);

  /* Writes {"state","host","port","tls","peer","since_ms","bytes_in","bytes_out","unsent","attempt"}. */
  bh_rc (*describe)(bh_host *host, bh_token connection, bh_writer writer, void *sink);

  /* Accepts connections. Reserved: BH_E_UNSUPPORTED in this version. */
  bh_rc (*listen)(bh_host *host, const bh_net_spec *spec, bh_token *listener);
} bh_net_v1;

/* --- bh.thread: threads that the host counts -------------------------------------------------------- */

#define BH_THREAD "bh.thread"

typedef void (*bh_thread_main)(void *context);

/* Threads are for libraries that block. The host asks them to stop at `quiesce` and joins them before
 * `destroy`. A thread that the plugin starts by other means makes its image impossible to unmap. */
typedef struct bh_thread_v1 {
  uint32_t size, version;

  /* Runs `run(context)` on a thread of its own. At most 64 an instance. A thread may return when its work
   * is done: what that was only the plugin knows, and the instance runs on; `bothost ps --json` lists those
   * that run. One that cannot go on calls `set_error` and returns: the instance has then failed, and is
   * stopped and started again as `restart:` in its manifest says. BH_E_CANCELLED and BH_E_STALE, which
   * threads meet at the end of a generation, are no such failure. */
  bh_rc (*spawn)(bh_host *host, bh_str name, bh_thread_main run, void *context, bh_token *thread);

  /* Not 0 once the thread should return. Cheap: poll it. */
  int32_t (*should_stop)(bh_host *host, bh_token thread);

  /* Asks the thread to stop and waits for it; not from the thread itself. */
  bh_rc (*join)(bh_host *host, bh_token thread);

  /* Runs `task(context)` once on the instance's lane, between two events. Callable from any thread; this
   * is how a thread hands its result to the lane. After `quiesce` has returned: BH_E_CANCELLED. */
  bh_rc (*on_lane)(bh_host *host, void (*task)(void *context), void *context);
} bh_thread_v1;

/* --- bh.trace: what caused what --------------------------------------------------------------------- */

#define BH_TRACE "bh.trace"

typedef struct bh_trace_v1 {
  uint32_t size, version;

  /* Starts a named span under a delivery or a call; correlation ids are carried along without it. */
  bh_rc (*begin)(bh_host *host, bh_token cause, bh_str name, bh_token *span);
  bh_rc (*end)(bh_host *host, bh_token span, bh_rc outcome);
} bh_trace_v1;

/* ------------------------------------------------------------------------------------------------ *
 * What a plugin offers
 * ------------------------------------------------------------------------------------------------ */

enum {
  BH_START_FRESH = 1u << 0,    /* the instance was not running */
  BH_START_SWAP = 1u << 1,     /* another generation runs; its state follows in `import_state` */
  BH_START_ROLLBACK = 1u << 2, /* with BH_START_SWAP: the generation that runs has failed after it had taken over
                                * (`swap.probation`), and this is a fresh object of the build before, which takes
                                * over from it as in any swap, with its state where that is of a format that this
                                * build reads. What fails before the new generation has taken over is no rollback:
                                * the object of before gets `resume`. */
  BH_START_PROBE = 1u << 3     /* a trial in a disposable process: `destroy` follows */
};

/* How and as what a generation starts. Borrowed until `create` returns. */
typedef struct bh_start {
  uint32_t size;
  uint32_t flags;        /* BH_START_... */
  bh_str instance;       /* the instance's name; equals the plugin's unless it is started several times */
  uint64_t generation;   /* 1, 2, ... within the host process */
  bh_bytes config;       /* the whole configuration as JSON, defaults applied, secrets as in `config_get` */
  bh_str data_directory; /* a directory of the instance's own, which is there; kept over restarts */
  bh_str state_format;   /* of the state that will be imported; empty: none */
  uint32_t state_version;
  uint32_t reserved;
} bh_start;

enum {
  BH_PLUGIN_REENTRANT = 1u << 0, /* handle and invoke may be entered from several threads at once */
  BH_PLUGIN_PRECOPY = 1u << 1    /* export_state and import_state know all phases, not only BH_STATE_FINAL */
};

/* In which part of a swap the state is asked for and handed over.
 *
 * A plugin without BH_PLUGIN_PRECOPY is asked once, for BH_STATE_FINAL, while events wait. That is right for states up to some
 * 64 KiB. A large one is handed over in pieces while events still come, when both builds have the flag:
 *
 *   1. BH_STATE_SNAPSHOT, between two events of the old build: from now on all of the state counts as not
 *      handed over. It writes a first piece. BH_E_UNSUPPORTED: not worth it now, or not in that version.
 *   2. BH_STATE_CHANGES, between two later events, again and again: a piece of what is not handed over yet,
 *      or has changed since it was. A piece of 64 KiB keeps events waiting for some microseconds.
 *      Both answer BH_ASYNC when more than a piece is left, BH_OK when what is left is small.
 *   3. BH_STATE_REST, after `quiesce`, while events wait: all that is left, and nothing when nothing is.
 *
 * Each piece goes to the new build's `import_state` in the same order, with the same phase, before it is activated; one that
 * answers BH_E_UNSUPPORTED gets the whole at the end instead. What a piece looks like is the plugin's own affair; it must be complete in itself. A swap may end between any two pieces: the next
 * begins with a snapshot again. When the host cannot come to an end with step 2, or something speaks against step 3, it asks for
 * BH_STATE_FINAL, which is the whole state and replaces all that was imported before. */
enum {
  BH_STATE_SNAPSHOT = 1,
  BH_STATE_FINAL = 2, /* after `quiesce`, the whole: nothing changes any more */
  BH_STATE_CHANGES = 3,
  BH_STATE_REST = 4
};

enum { BH_BIND_HANDLER = 1, BH_BIND_METHOD = 2, BH_BIND_HOOK = 3 };

/* The descriptor: a constant with the life time of the image. NULL members are not called.
 *
 *   call            thread      given up after     host calls that are permitted       when it fails
 *   entry           loader      10 s, in the trial none                                library refused
 *   create          loader      10 s               log, set_error, query, config_get, now, kv.get,
 *                                                  kv.scan, metric.define, topic,
 *                                                  hook.list, extension.list           library refused
 *   bind            loader      10 s, in the trial set_error                           library refused
 *   import_state    lane        10 s               as create                           swap aborted
 *     ... pieces    loader      10 s               as create                           swap aborted
 *   activate        lane        10 s               all                                 swap rolled back
 *   handle, invoke  lane        the manifest's     all                                 retried, dead-lettered
 *   reconfigure     lane        10 s               all                                 old configuration stays
 *   health          lane        200 ms             log, kv.get                         reported
 *   quiesce         lane        swap.drain         all                                 swap aborted
 *   export_state    lane        10 s               log, set_error, kv.get              swap aborted
 *   resume          lane        10 s               all                                 instance restarted
 *   destroy         reaper      2 s                log                                 image stays mapped
 *
 * These are limits and no allowances: what runs on the lane keeps its events waiting, so each of these calls should be done in
 * milliseconds. The trial is a child process that calls entry, bind and create before the host does.
 *
 * The lane is one thread at a time, in the order of the events. No call may block; a plugin that has to
 * wait uses a thread of `bh.thread` and answers BH_ASYNC. */
typedef struct bh_plugin {
  uint32_t size;
  uint32_t abi_major; /* BH_ABI_MAJOR */
  uint32_t abi_minor; /* BH_ABI_MINOR */
  uint32_t flags;     /* BH_PLUGIN_... */
  bh_str name;        /* equals the manifest's `plugin` */
  bh_str version;     /* semantic version; equals the manifest's when that states one */
  bh_str sdk;         /* what it was built with, for reports; may be empty */
  bh_str state_format; /* of `export_state`; empty: the plugin has no state of its own to hand over */
  uint32_t state_version;
  uint32_t reserved;

  /* Makes the plugin's object. In standby: nothing may be published, written or dialled yet. */
  bh_rc (*create)(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **self);

  /* A number, not 0, for a name that the manifest gives in `call:` and that is no exported function, to be
   * found again in `bh_event.binding`. BH_E_NOTFOUND: no such handler. Called once a name, before
   * `activate`; lets a kit dispatch by index instead of by name. */
  bh_rc (*bind)(bh_self *self, uint32_t kind, bh_str name, uint32_t *binding);

  /* Events come from now on; connections are dialled, timers set, threads started, and exclusive resources taken
   * here (see `quiesce`). When it fails it has given them back itself: `quiesce` is not called. */
  bh_rc (*activate)(bh_self *self);

  /* The standard handler: for topics whose manifest entry names no exported function. */
  bh_rc (*handle)(bh_self *self, const bh_event *event);

  /* The standard method and hook; `args->delivery` is the call to `reply` to. BH_OK after `reply`, BH_ASYNC
   * to reply later, BH_SKIP (hooks) to pass on, or a failure, which is the reply; that of a hook whose manifest
   * says `on_error: pass` is noted, and the call goes on. */
  bh_rc (*invoke)(bh_self *self, bh_str method, const bh_event *args);

  /* Writes {"ok": bool, "detail": ...}. */
  bh_rc (*health)(bh_self *self, bh_writer writer, void *sink);

  /* No event comes any more. Settle what is under way before the deadline, stop own work, and let go of what only one
   * can have at a time: a listening port, membership in a consumer group, a lock on a file or a database, a login that
   * permits one session. The next generation takes it in its `activate`, while this object still exists; `create`
   * takes none of it, because the generation before still serves. What the host owns (connections, timers, the store) is
   * not let go. `ending` says whether the instance stops or is swapped. */
  bh_rc (*quiesce)(bh_self *self, int64_t deadline_mono_ns);

  /* Writes the state in `state_format`, in the version that the other side wants if it can, else answers
   * BH_E_UNSUPPORTED and is asked for `state_version`. `phase` is one of BH_STATE_...; other phases than
   * BH_STATE_FINAL come only with BH_PLUGIN_PRECOPY. At most 256 MiB. */
  bh_rc (*export_state)(bh_self *self, uint32_t phase, uint32_t want_version, bh_writer writer,
                        void *sink);

  /* Takes over the state of the generation before, or a piece of it; see BH_STATE_... */
  bh_rc (*import_state)(bh_self *self, uint32_t phase, bh_str format, uint32_t version,
                        bh_bytes state);

  /* The swap was aborted after `quiesce`: take back what that let go of, and go on as before. The generation that
   * was to follow may have been activated and then failed; it has been told to stop its threads, and is destroyed later. A
   * failure stops nothing, but is told the operator as the instance's. */
  bh_rc (*resume)(bh_self *self);

  /* Checks the new configuration fully, then takes it over; on failure nothing has changed, and the old one
   * stays: say with `set_error` which setting is wrong. `config` is the whole configuration as in
   * `bh_start`. Called between two events; `config_get` and `bh.secret` answer from the new configuration
   * while it runs, and go on doing so when it returns BH_OK. A secret may be another one although `config`
   * is the same. BH_E_UNSUPPORTED: it cannot be done in place; the plugin is then swapped for a fresh
   * generation with the new configuration, as one without this member is. */
  bh_rc (*reconfigure)(bh_self *self, bh_bytes config);

  /* Frees everything. No call follows. */
  void (*destroy)(bh_self *self);
} bh_plugin;

/* The one mandatory symbol. Returns a constant, or NULL when the plugin cannot work with a host of that
 * minor version. Must not do anything else. */
BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t host_abi_minor);
typedef const bh_plugin *(*bh_plugin_entry)(uint32_t host_abi_minor);

/* The type of an exported handler, named by `call:` in the manifest. Same contract as `handle`. */
typedef bh_rc (*bh_handler)(bh_self *self, const bh_event *event);

/* The type of an exported method or hook, named by `call:`. Same contract as `invoke`. */
typedef bh_rc (*bh_method)(bh_self *self, const bh_event *args);

#ifdef __cplusplus
}
#endif

#endif /* BOTHOST_H */
