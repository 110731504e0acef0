/// The part of an emitted source that is the same for every bot: carrying out handlers, calls and their answers.
///
/// It follows `BotRuntime` step by step.
enum CRuntimeRuns {
  static let source = #"""
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
