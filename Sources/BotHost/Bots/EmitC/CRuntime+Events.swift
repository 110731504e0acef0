/// The part of an emitted source that is the same for every bot: what an event on its way is made of, and how its handlers fail.
enum CRuntimeEvents {
  static let source = #"""
    /* ---- Events on their way ----------------------------------------------------------------------------------- */

    typedef struct bot_run bot_run;
    typedef struct bot_handler bot_handler;
    typedef struct bot_subscription bot_subscription;

    /* What a node's function answers. */
    typedef enum bot_status {
      BOT_NEXT, /* go on behind it */
      BOT_STOP, /* the handler has ended */
      BOT_WAIT  /* for the answer of a call */
    } bot_status;

    typedef bot_status (*bot_node)(bot_run *run);

    /* A step of a block. */
    typedef struct bot_step {
      bot_node node;
      unsigned place; /* among the places of the handler, counted from the block's first step */
      bool is_read;   /* somebody reads the result of the call, so that it is waited for */
    } bot_step;

    /* A block that has been entered. */
    typedef struct bot_block {
      const bot_step *steps;
      size_t count;
      size_t next;
      size_t base; /* the place of its first step */
      /* The names that it makes, and where their values of before are kept. */
      const unsigned short *names;
      size_t name_count;
      size_t saved;
      /* A loop: the rest of its list. */
      bool is_loop;
      bot_span list;
      unsigned variable;
      /* A method: where its result goes. */
      bool is_method;
      unsigned result;
    } bot_block;

    typedef struct bot_place {
      unsigned line;
      unsigned column;
    } bot_place;

    struct bot_handler {
      bot_node node;
      const char *label;
      bot_place place;
      const bot_place *places; /* of its steps, each before those inside it */
    };

    /* A state that an event tells. */
    typedef struct bot_told {
      const char *name;
      size_t length;
      unsigned state;
    } bot_told;

    struct bot_subscription {
      const char *source; /* the instance that publishes it */
      unsigned line;      /* of that instance */
      const bot_handler *const *handlers;
      size_t handler_count;
      const bot_told *states;
      size_t state_count;
    };

    typedef struct bot_call_entry {
      const bot_handler *handler;
      size_t place;
      bool is_answered;
    } bot_call_entry;

    struct bot_run {
      bh_self *bot;
      bot_run *next; /* in a line, or free */
      bot_run *all;
      uint32_t generation;
      enum { BOT_IDLE, BOT_QUEUED, BOT_RUNNING, BOT_DRAINING } phase;
      bool is_stepping;
      bool is_full;
      bool is_broken; /* the call that was waited for has failed */
      bool is_read;
      bh_token delivery;
      const bot_subscription *subscription;
      size_t handler;
      size_t executed;
      size_t place;  /* of the step that is carried out */
      size_t inside; /* of the first step inside it */
      char *failure;
      /* The payload, and behind it every value that the handler has made, as JSON text. */
      bot_bytes bytes;
      size_t payload_end;
      bot_span found[BOT_FIELDS + 1];
      bool is_found[BOT_FIELDS + 1];
      size_t scan;
      bool is_scanned;
      bot_span locals[BOT_LOCALS];
      bot_block *blocks;
      size_t depth;
      size_t block_capacity;
      bot_span *saved;
      size_t saved_count;
      size_t saved_capacity;
      bot_call_entry *calls;
      size_t call_count;
      size_t call_capacity;
      size_t open_calls;
      size_t awaited; /* SIZE_MAX: none */
      unsigned awaited_local;
      bot_bytes result;
    };

    /* A call that has not been answered, as its completion finds it. */
    typedef struct bot_pending {
      struct bot_pending *next;
      struct bot_pending *all;
      bot_run *run;
      uint32_t generation;
      size_t call;
    } bot_pending;

    /* The events of one instance: one at a time is carried out, the others wait in order. */
    typedef struct bot_line {
      bot_run *active;
      bot_run *first;
      bot_run *last;
    } bot_line;

    struct bh_self {
      bh_host *host;
      const bh_host_api *api;
      const bh_rpc_v1 *rpc;
      bot_line lines[BOT_LINES + 1];
      bot_bytes states[BOT_STATES + 1];
      bot_bytes constants[BOT_CONSTANTS + 1];
      regex_t patterns[BOT_PATTERNS + 1];
      size_t pattern_count;
      bot_bytes line; /* for what is printed and what is matched */
      bool is_output_closed;
      bot_run *runs;
      bot_run *free_runs;
      size_t run_count;
      bot_pending *pendings;
      bot_pending *free_pendings;
    };

    BOT_PART bh_str bot_str(const char *text) {
      bh_str result = {text, strlen(text)};
      return result;
    }

    /* ---- Failures ------------------------------------------------------------------------------------------- */

    /* Keeps the first failure of an event: later ones are its consequences more often than not. */
    BOT_PART void bot_note(bot_run *run, const bot_handler *handler, bot_place place, const char *what, const char *why, size_t length) {
      if (run->failure != NULL) return;
      size_t size = strlen(bot_file) + strlen(handler->label) + strlen(what) + length + 96;
      run->failure = malloc(size);
      if (run->failure == NULL) return;
      snprintf(run->failure, size, "%s:%u:%u: error: handler %s: %s%.*s", bot_file, place.line, place.column, handler->label, what,
               (int)length, why);
    }

    BOT_PART const bot_handler *bot_current(const bot_run *run) { return run->subscription->handlers[run->handler]; }

    /* Ends the handler with an error. */
    BOT_PART bot_status bot_fail(bot_run *run, bool at_step, const char *why) {
      const bot_handler *handler = bot_current(run);
      bot_note(run, handler, at_step ? handler->places[run->place] : handler->place, "", why, strlen(why));
      return BOT_STOP;
    }

    BOT_PART bot_status bot_too_large(bot_run *run, bool at_step) {
      return bot_fail(run, at_step, "the handler's values are larger than 64 MiB");
    }

    BOT_PART const char *bot_code(bh_rc code) {
      switch (code) {
        case BH_E_RETRY: return "to be tried again";
        case BH_E_REJECT: return "rejected";
        case BH_E_INVALID: return "an argument is wrong";
        case BH_E_DENIED: return "not permitted";
        case BH_E_NOTFOUND: return "not found";
        case BH_E_BUSY: return "busy: a limit is reached";
        case BH_E_TIMEOUT: return "not done before its deadline";
        case BH_E_CANCELLED: return "cancelled";
        case BH_E_STALE: return "settled already, or of an older generation";
        case BH_E_NOSPACE: return "no room: a quota is reached";
        case BH_E_UNSUPPORTED: return "not supported";
        case BH_E_CONFLICT: return "the revision has changed";
        case BH_E_CYCLE: return "the call would wait for itself";
        default: return "an internal fault";
      }
    }


    """#
}
