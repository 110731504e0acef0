/// The part of an emitted source that is the same for every bot: what a handler's steps are made of. Values are read and written, names and
/// blocks come and go, lines are printed, methods called.
///
/// It follows `BotRun` step by step.
enum CRuntimeSteps {
  static let source = #"""
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


    """#
}
