/// The part of an emitted source that is the same for every bot: carrying out handlers, calls and their answers.
///
/// It follows `BotRuntime` and `BotRun` step by step.
enum CRuntimeRuns {
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

    /* ---- Reading values ------------------------------------------------------------------------------------- */

    /* Notes a member of the payload when something of it is read. Of two with one name the first counts. */
    BOT_PART void bot_take(bot_run *run, bot_span name, bot_span value, int known) {
      const char *text = run->bytes.at;
      for (; known >= 0; known = bot_names[known].next) {
        const bot_name *entry = &bot_names[known];
        if (!bot_same_text(text + name.start, name.end - name.start, entry->name, entry->length)) continue;
        if (entry->field >= 0 && !run->is_found[entry->field]) {
          run->is_found[entry->field] = true;
          run->found[entry->field] = value;
        }
        if (entry->first < 0 || text[value.start] != '{') return;
        size_t at = value.start + 1;
        bot_span inner_name, inner_value;
        while (bot_next_member(text, value.end, &at, &inner_name, &inner_value)) bot_take(run, inner_name, inner_value, entry->first);
        return;
      }
    }

    /* A field of the event's payload, which is gone over at most once. */
    BOT_PART bot_span bot_field(bot_run *run, unsigned field) {
      bot_span name, value;
      while (!run->is_found[field]) {
        if (run->is_scanned || !bot_next_member(run->bytes.at, run->payload_end, &run->scan, &name, &value)) {
          run->is_scanned = true;
          return bot_none();
        }
        bot_take(run, name, value, bot_names[0].first);
      }
      return run->found[field];
    }

    BOT_PART bot_span bot_member(const bot_run *run, bot_span value, const char *name, size_t length) {
      return bot_find(run->bytes.at, value, name, length);
    }

    /* ---- Writing values ------------------------------------------------------------------------------------- */

    BOT_PART void bot_put(bot_run *run, const char *text, size_t length) {
      if (run->bytes.count > BOT_BYTES || !bot_append(&run->bytes, text, length)) run->is_full = true;
    }

    /* A value that stands in the run's memory already. */
    BOT_PART void bot_put_value(bot_run *run, bot_span value) {
      size_t length = value.end - value.start;
      if (run->bytes.count > BOT_BYTES || !bot_reserve(&run->bytes, length)) {
        run->is_full = true;
        return;
      }
      if (length > 0) memcpy(run->bytes.at + run->bytes.count, run->bytes.at + value.start, length);
      run->bytes.count += length;
    }

    BOT_PART void bot_put_bytes(bot_run *run, const bot_bytes *bytes) { bot_put(run, bytes->at, bytes->count); }

    /* A member of a value of the bot's own. */
    BOT_PART void bot_put_found(bot_run *run, const bot_bytes *bytes, bot_span value) {
      bot_put(run, bytes->at + value.start, value.end - value.start);
    }

    /* Turns the value at the end, from `mark` on, into what it is inside a text: strings without their quotes, null and nothing
     * as nothing, lists and maps as their JSON, escaped. */
    BOT_PART void bot_inside(bot_run *run, size_t mark) {
      static const char digits[] = "0123456789abcdef";
      bot_bytes *bytes = &run->bytes;
      size_t length = bytes->count - mark;
      char kind = length > 0 ? bytes->at[mark] : 'n';
      if (kind == '"' && length >= 2) {
        memmove(bytes->at + mark, bytes->at + mark + 1, length - 2);
        bytes->count -= 2;
      } else if (kind == 'n') {
        bytes->count = mark;
      } else if (kind == '{' || kind == '[') {
        bot_bytes copy = {NULL, 0, 0};
        if (!bot_append(&copy, bytes->at + mark, length)) run->is_full = true;
        bytes->count = mark;
        for (size_t i = 0; i < copy.count; i++) {
          char c = copy.at[i];
          const char *letter = memchr("\b\t\n\f\r", c, 5);
          if (c == '"' || c == '\\') {
            bot_put(run, "\\", 1);
            bot_put(run, &c, 1);
          } else if (letter != NULL) {
            char pair[2] = {'\\', c == '\b' ? 'b' : c == '\t' ? 't' : c == '\n' ? 'n' : c == '\f' ? 'f' : 'r'};
            bot_put(run, pair, 2);
          } else if ((unsigned char)c < ' ') {
            char code[6] = {'\\', 'u', '0', '0', digits[(unsigned char)c >> 4], digits[c & 15]};
            bot_put(run, code, 6);
          } else {
            bot_put(run, &c, 1);
          }
        }
        free(copy.at);
      }
    }

    /* A value that stands in the run's memory already, inside a text. */
    BOT_PART void bot_put_inside(bot_run *run, bot_span value) {
      if (bot_kind(run->bytes.at, value) == '"' && value.end - value.start >= 2) {
        bot_span inner = {value.start + 1, value.end - 1};
        bot_put_value(run, inner);
        return;
      }
      size_t mark = run->bytes.count;
      bot_put_value(run, value);
      bot_inside(run, mark);
    }

    /* Where a member or an element began. */
    typedef struct bot_mark {
      size_t before;
      size_t after;
    } bot_mark;

    BOT_PART bot_mark bot_begin_part(bot_run *run, char open, const char *name, size_t length) {
      bot_mark mark;
      mark.before = run->bytes.count;
      if (mark.before > 0 && run->bytes.at[mark.before - 1] != open) bot_put(run, ",", 1);
      bot_put(run, name, length);
      mark.after = run->bytes.count;
      return mark;
    }

    /* A member of a map is left out when its value is nothing. */
    BOT_PART void bot_end_member(bot_run *run, bot_mark mark) {
      if (run->bytes.count == mark.after) run->bytes.count = mark.before;
    }

    /* An element of a list is null then. */
    BOT_PART void bot_end_element(bot_run *run, bot_mark mark) {
      if (run->bytes.count == mark.after) bot_put(run, "null", 4);
    }

    BOT_PART bot_span bot_since(const bot_run *run, size_t mark) {
      bot_span value;
      value.start = mark;
      value.end = run->bytes.count;
      return value;
    }

    /* ---- Names and blocks ------------------------------------------------------------------------------------ */

    /* Names the result of a step, which is also `it`. */
    BOT_PART bot_status bot_name_result(bot_run *run, unsigned local, bot_span value) {
      if (run->is_full) return bot_too_large(run, false);
      run->locals[local] = value;
      run->locals[local__it] = value;
      return BOT_NEXT;
    }

    BOT_PART void bot_restore(bot_run *run, const bot_block *block) {
      for (size_t i = 0; i < block->name_count; i++) run->locals[block->names[i]] = run->saved[block->saved + i];
    }

    /* Enters a block; names that it makes get their values of before when it ends. NULL: no memory. */
    BOT_PART bot_block *bot_push(bot_run *run, const bot_step *steps, size_t count, const unsigned short *names, size_t name_count) {
      if (run->depth == run->block_capacity) {
        size_t capacity = run->block_capacity * 2 + 8;
        bot_block *larger = realloc(run->blocks, capacity * sizeof *larger);
        if (larger == NULL) return NULL;
        run->blocks = larger;
        run->block_capacity = capacity;
      }
      if (run->saved_count + name_count > run->saved_capacity) {
        size_t capacity = run->saved_capacity * 2 + name_count + 8;
        bot_span *larger = realloc(run->saved, capacity * sizeof *larger);
        if (larger == NULL) return NULL;
        run->saved = larger;
        run->saved_capacity = capacity;
      }
      bot_block *block = &run->blocks[run->depth++];
      memset(block, 0, sizeof *block);
      block->steps = steps;
      block->count = count;
      block->base = run->inside;
      block->names = names;
      block->name_count = name_count;
      block->saved = run->saved_count;
      for (size_t i = 0; i < name_count; i++) run->saved[run->saved_count++] = run->locals[names[i]];
      return block;
    }

    BOT_PART bot_status bot_enter(bot_run *run, const bot_step *steps, size_t count, const unsigned short *names, size_t name_count) {
      return bot_push(run, steps, count, names, name_count) == NULL ? bot_too_large(run, false) : BOT_NEXT;
    }

    /* Carries the steps out for each element of a list. */
    BOT_PART bot_status bot_each(bot_run *run, bot_span list, unsigned variable, const bot_step *steps, size_t count,
                                 const unsigned short *names, size_t name_count) {
      if (run->is_full) return bot_too_large(run, false);
      if (bot_kind(run->bytes.at, list) != '[') return BOT_NEXT;
      bot_block *block = bot_push(run, steps, count, names, name_count);
      if (block == NULL) return bot_too_large(run, false);
      block->is_loop = true;
      block->variable = variable;
      block->list.start = list.start + 1;
      block->list.end = list.end;
      block->next = count;
      return BOT_NEXT;
    }

    /* The innermost block has come to its end: the loop's next round, or back to the block around it. */
    BOT_PART void bot_end_block(bot_run *run) {
      bot_block *block = &run->blocks[run->depth - 1];
      bot_restore(run, block);
      bot_span element;
      if (block->is_loop && bot_next_element(run->bytes.at, block->list.end, &block->list.start, &element)) {
        run->locals[block->variable] = element;
        block->next = 0;
        return;
      }
      run->saved_count = block->saved;
      run->depth--;
      if (block->is_method) (void)bot_name_result(run, block->result, bot_none());
    }

    /* `return`: ends the innermost method. */
    BOT_PART bot_status bot_return(bot_run *run, bot_span value) {
      if (run->is_full) return bot_too_large(run, false);
      while (run->depth > 0) {
        bot_block *block = &run->blocks[--run->depth];
        bot_restore(run, block);
        run->saved_count = block->saved;
        if (block->is_method) return bot_name_result(run, block->result, value);
      }
      return BOT_STOP;
    }

    /* Begins a method: its arguments are names that end with it. */
    BOT_PART bool bot_begin_method(bot_run *run, unsigned result, const unsigned short *names, size_t name_count) {
      bot_block *block = bot_push(run, NULL, 0, names, name_count);
      if (block == NULL) return false;
      block->is_method = true;
      block->result = result;
      return true;
    }

    BOT_PART bot_status bot_set(bot_run *run, unsigned state, bot_span value) {
      if (run->is_full || !bot_assign(&run->bot->states[state], run->bytes.at + value.start, value.end - value.start))
        return bot_too_large(run, false);
      return BOT_NEXT;
    }

    /* ---- Effects -------------------------------------------------------------------------------------------- */

    #ifndef BOT_OUTPUT
    #define BOT_OUTPUT 1 /* standard output */
    #endif

    /* Prints a line: a text as it is, everything else as its JSON. */
    BOT_PART bot_status bot_print(bot_run *run, size_t mark, bot_span value) {
      if (run->is_full) return bot_too_large(run, true);
      bh_self *bot = run->bot;
      const char *text = run->bytes.at + value.start;
      size_t length = value.end - value.start;
      bot->line.count = 0;
      bool is_written;
      if (length >= 2 && text[0] == '"') {
        is_written = bot_unescape(text + 1, length - 2, &bot->line);
        if (!is_written) is_written = bot_assign(&bot->line, text + 1, length - 2);
      } else {
        is_written = bot_append(&bot->line, text, length);
      }
      if (is_written && bot_append(&bot->line, "\n", 1)) {
        size_t done = 0;
        while (done < bot->line.count && !bot->is_output_closed) {
          ssize_t count = write(BOT_OUTPUT, bot->line.at + done, bot->line.count - done);
          if (count > 0) done += (size_t)count;
          /* Nobody reads any more: that must not stop a bot. */
          else if (errno != EINTR) bot->is_output_closed = true;
        }
      }
      run->bytes.count = mark;
      return BOT_NEXT;
    }

    BOT_PART bool bot_matches(bot_run *run, bot_span value, unsigned pattern) {
      bh_self *bot = run->bot;
      const char *text = run->bytes.at + value.start;
      size_t length = value.end - value.start;
      if (bot_is_nothing(run->bytes.at, value)) return false;
      bot->line.count = 0;
      bool is_text = length >= 2 && text[0] == '"';
      if (!(is_text ? bot_unescape(text + 1, length - 2, &bot->line) : bot_append(&bot->line, text, length))) return false;
      return bot_append(&bot->line, "", 1) && regexec(&bot->patterns[pattern], bot->line.at, 0, NULL, 0) == 0;
    }

    BOT_PART void bot_answer(bot_run *run, size_t call, bh_rc code, const char *name, const char *text, size_t length);
    BOT_PART void bot_done(void *context, bh_rc code, bh_bytes result);

    BOT_PART void bot_take_result(bot_run *run) {
      size_t mark = run->bytes.count;
      bot_put(run, run->result.at, run->result.count);
      run->result.count = 0;
      (void)bot_name_result(run, run->awaited_local, bot_since(run, mark));
    }

    /* Calls a method with the argument that stands at the end, from `mark` on. */
    BOT_PART bot_status bot_call(bot_run *run, unsigned method, size_t mark, unsigned local) {
      bh_self *bot = run->bot;
      if (run->is_full) return bot_too_large(run, true);
      if (run->call_count == BOT_CALLS) return bot_fail(run, true, "one event causes more than 10000 calls");
      if (run->call_count == run->call_capacity) {
        size_t capacity = run->call_capacity * 2 + 8;
        bot_call_entry *larger = realloc(run->calls, capacity * sizeof *larger);
        if (larger == NULL) return bot_too_large(run, true);
        run->calls = larger;
        run->call_capacity = capacity;
      }
      bot_pending *pending = bot->free_pendings;
      if (pending != NULL) {
        bot->free_pendings = pending->next;
      } else {
        pending = malloc(sizeof *pending);
        if (pending == NULL) return bot_too_large(run, true);
        pending->all = bot->pendings;
        bot->pendings = pending;
      }
      size_t number = run->call_count++;
      run->calls[number].handler = bot_current(run);
      run->calls[number].place = run->place;
      run->calls[number].is_answered = false;
      run->open_calls++;
      bool is_read = run->is_read;
      if (is_read) {
        run->awaited = number;
        run->awaited_local = local;
      }
      pending->run = run;
      pending->generation = run->generation;
      pending->call = number;
      bh_bytes argument = {(const uint8_t *)run->bytes.at + mark, run->bytes.count - mark};
      bh_rc code = bot->rpc->call(bot->host, run->delivery, bot_str(bot_methods[method]), argument, 0, bot_done, pending, NULL);
      run->bytes.count = mark;
      if (code != BH_OK) {
        pending->next = bot->free_pendings;
        bot->free_pendings = pending;
        bot_answer(run, number, code, bot_methods[method], "", 0);
      }
      if (!is_read) return BOT_NEXT;
      if (run->awaited == number) return BOT_WAIT;
      if (run->is_broken) {
        run->is_broken = false;
        return BOT_STOP;
      }
      bot_take_result(run);
      return BOT_NEXT;
    }

    /* ---- Carrying out ---------------------------------------------------------------------------------------- */

    BOT_PART void bot_begin_handler(bot_run *run) {
      run->bytes.count = run->payload_end;
      memset(run->locals, 0, sizeof run->locals);
      run->depth = run->saved_count = run->executed = run->inside = 0;
      (void)bot_current(run)->node(run);
    }

    /* Prepares an event whose turn it is. */
    BOT_PART void bot_begin(bot_run *run) {
      const bot_subscription *subscription = run->subscription;
      const char *text = run->bytes.at;
      run->bot->lines[subscription->line].active = run;
      run->phase = BOT_RUNNING;
      memset(run->is_found, 0, sizeof run->is_found);
      size_t start = 0;
      bot_skip_blanks(text, run->payload_end, &start);
      bot_span whole = {start, run->payload_end};
      if (bot_names[0].field >= 0) {
        run->is_found[bot_names[0].field] = true;
        run->found[bot_names[0].field] = whole;
      }
      run->is_scanned = bot_names[0].first < 0 || bot_kind(text, whole) != '{';
      run->scan = start + 1;
      for (size_t i = 0; i < subscription->state_count; i++) {
        const bot_told *told = &subscription->states[i];
        bot_span value = bot_find(text, whole, told->name, told->length);
        if (value.end > value.start) (void)bot_assign(&run->bot->states[told->state], text + value.start, value.end - value.start);
      }
      run->handler = 0;
      if (subscription->handler_count > 0) bot_begin_handler(run);
    }

    /* Carries out the handlers of an event until they have ended; true when one waits. */
    BOT_PART bool bot_carry_out(bot_run *run) {
      const bot_subscription *subscription = run->subscription;
      while (run->handler < subscription->handler_count) {
        while (run->depth > 0) {
          bot_block *block = &run->blocks[run->depth - 1];
          bot_status status = BOT_NEXT;
          if (++run->executed > BOT_STEPS) {
            status = bot_fail(run, false, "the handler did not end within 1000000 steps");
          } else if (block->next == block->count) {
            bot_end_block(run);
          } else {
            const bot_step *step = &block->steps[block->next++];
            run->place = block->base + step->place;
            run->inside = run->place + 1;
            run->is_read = step->is_read;
            status = step->node(run);
          }
          if (status == BOT_WAIT) return true;
          if (status == BOT_STOP) run->depth = 0;
        }
        run->handler++;
        if (run->handler < subscription->handler_count) bot_begin_handler(run);
      }
      return false;
    }

    BOT_PART bot_run *bot_take_run(bh_self *bot) {
      bot_run *run = bot->free_runs;
      if (run != NULL) {
        bot->free_runs = run->next;
        return run;
      }
      if (bot->run_count == BOT_EVENTS) return NULL;
      run = calloc(1, sizeof *run);
      if (run == NULL) return NULL;
      run->bot = bot;
      run->all = bot->runs;
      bot->runs = run;
      bot->run_count++;
      return run;
    }

    BOT_PART void bot_give_back(bot_run *run) {
      free(run->failure);
      run->failure = NULL;
      run->generation++;
      run->phase = BOT_IDLE;
      run->next = run->bot->free_runs;
      run->bot->free_runs = run;
    }

    BOT_PART bool bot_is_done(const bot_run *run) {
      return run->phase == BOT_DRAINING && run->open_calls == 0 && !run->is_stepping;
    }

    BOT_PART void bot_settle_if_done(bot_run *run) {
      if (!bot_is_done(run)) return;
      bh_self *bot = run->bot;
      if (run->failure == NULL) {
        bot->api->ack(bot->host, run->delivery);
      } else {
        bot->api->nack(bot->host, run->delivery, BH_E_RETRY, 0, bot_str(run->failure));
      }
      bot_give_back(run);
    }

    /* Carries on with an event, and with those of its instance that have waited behind it. The caller settles the first one. */
    BOT_PART void bot_carry_on(bot_run *first) {
      bot_run *run = first;
      for (;;) {
        run->is_stepping = true;
        bool waits = bot_carry_out(run);
        run->is_stepping = false;
        if (waits) return;
        run->phase = BOT_DRAINING;
        bot_line *line = &run->bot->lines[run->subscription->line];
        line->active = NULL;
        if (run != first) bot_settle_if_done(run);
        run = line->first;
        if (run == NULL) return;
        line->first = run->next;
        bot_begin(run);
      }
    }

    /* Takes the answer of a call. */
    BOT_PART void bot_answer(bot_run *run, size_t call, bh_rc code, const char *name, const char *text, size_t length) {
      bot_call_entry *entry = &run->calls[call];
      entry->is_answered = true;
      run->open_calls--;
      bool is_awaited = run->awaited == call;
      if (code >= 0) {
        if (is_awaited && !bot_assign(&run->result, text, length)) run->is_full = true;
      } else {
        char what[320];
        snprintf(what, sizeof what, "%s%s", name, *name == 0 ? "" : ": ");
        if (length == 0) {
          text = bot_code(code);
          length = strlen(text);
        }
        bot_note(run, entry->handler, entry->handler->places[entry->place], what, text, length);
        if (is_awaited) run->is_broken = true;
      }
      if (is_awaited) run->awaited = SIZE_MAX;
      /* From within the call: whoever made it goes on by itself. */
      if (run->is_stepping) return;
      if (is_awaited) {
        if (run->is_broken) {
          run->is_broken = false;
          run->depth = 0;
        } else {
          bot_take_result(run);
        }
        bot_carry_on(run);
      }
      bot_settle_if_done(run);
    }

    BOT_PART void bot_done(void *context, bh_rc code, bh_bytes result) {
      bot_pending *pending = context;
      bot_run *run = pending->run;
      bh_self *bot = run->bot;
      uint32_t generation = pending->generation;
      size_t call = pending->call;
      pending->next = bot->free_pendings;
      bot->free_pendings = pending;
      if (run->generation != generation || call >= run->call_count || run->calls[call].is_answered) return;
      bot_answer(run, call, code, "", (const char *)result.ptr, result.len);
    }

    /* Takes an event of a topic, if it comes from the instance that is meant. */
    BOT_PART bh_rc bot_deliver(bh_self *bot, const bot_subscription *subscription, const bh_event *event) {
      if (event->source.len != strlen(subscription->source) ||
          memcmp(event->source.ptr, subscription->source, event->source.len) != 0)
        return BH_SKIP;
      bot_run *run = bot_take_run(bot);
      if (run == NULL) {
        bot->api->set_error(bot->host, BH_E_RETRY, bot_str("too many events are waiting for answers"));
        return BH_E_RETRY;
      }
      run->subscription = subscription;
      run->delivery = event->delivery;
      run->call_count = run->open_calls = 0;
      run->awaited = SIZE_MAX;
      run->result.count = 0;
      run->is_full = run->is_broken = false;
      run->phase = BOT_QUEUED;
      if (!bot_assign(&run->bytes, (const char *)event->payload.ptr, event->payload.len)) {
        bot_give_back(run);
        bot->api->set_error(bot->host, BH_E_RETRY, bot_str("no memory"));
        return BH_E_RETRY;
      }
      run->payload_end = run->bytes.count;
      bot_line *line = &bot->lines[subscription->line];
      if (line->active != NULL) {
        run->next = NULL;
        if (line->first == NULL) line->first = run;
        else line->last->next = run;
        line->last = run;
        return BH_ASYNC;
      }
      bot_begin(run);
      bot_carry_on(run);
      if (!bot_is_done(run)) return BH_ASYNC;
      bh_rc code = BH_OK;
      if (run->failure != NULL) {
        code = BH_E_RETRY;
        bot->api->set_error(bot->host, code, bot_str(run->failure));
      }
      bot_give_back(run);
      return code;
    }

    """#
}
