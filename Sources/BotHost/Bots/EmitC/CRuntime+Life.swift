/// The part of an emitted source that is the same for every bot: the plugin's life.
enum CRuntimeLife {
  /// Before the tables of the bot.
  static let configuration = #"""
    /* ---- The configuration ------------------------------------------------------------------------------------- */

    /* Receives a value of the configuration. */
    BOT_PART bh_rc bot_receive(void *sink, const void *bytes, size_t count) {
      return bot_append(sink, bytes, count) ? BH_OK : BH_E_NOSPACE;
    }

    /* Receives a secret, as the JSON text of a string. */
    BOT_PART bh_rc bot_receive_secret(void *context, bh_bytes value) {
      bot_bytes *bytes = context;
      bool done = bot_append(bytes, "\"", 1);
      for (size_t i = 0; i < value.len && done; i++) {
        char c = (char)value.ptr[i];
        char code[8];
        if (c == '"' || c == '\\') {
          done = bot_append(bytes, "\\", 1) && bot_append(bytes, &c, 1);
        } else if ((unsigned char)c < ' ') {
          int length = snprintf(code, sizeof code, "\\u%04x", (unsigned)c);
          done = bot_append(bytes, code, (size_t)length);
        } else {
          done = bot_append(bytes, &c, 1);
        }
      }
      return done && bot_append(bytes, "\"", 1) ? BH_OK : BH_E_NOSPACE;
    }

    /* Reads a key of the configuration; one without a value stays empty. */
    BOT_PART void bot_configure(bh_self *bot, unsigned constant, const char *key, bool is_secret) {
      bot_bytes *bytes = &bot->constants[constant];
      char pointer[256];
      bytes->count = 0;
      if (is_secret) {
        const bh_secret_v1 *secrets = bot->api->query(bot->host, bot_str(BH_SECRET), 1);
        if (secrets != NULL) secrets->use(bot->host, bot_str(key), bot_receive_secret, bytes);
      } else {
        snprintf(pointer, sizeof pointer, "/%s", key);
        if (bot->api->config_get(bot->host, bot_str(pointer), bot_receive, bytes) != BH_OK) bytes->count = 0;
      }
    }

    /* Keeps only a member of a constant. */
    BOT_PART void bot_narrow(bot_bytes *bytes, const char *name, size_t length) {
      bot_span whole = {0, bytes->count};
      bot_span value = bot_find(bytes->at, whole, name, length);
      if (value.end > value.start) memmove(bytes->at, bytes->at + value.start, value.end - value.start);
      bytes->count = value.end - value.start;
    }

    """#

  /// Behind them.
  static let source = #"""
    /* ---- The plugin's life ------------------------------------------------------------------------------------- */

    BOT_PART void bot_free_run(bot_run *run) {
      free(run->failure);
      free(run->bytes.at);
      free(run->blocks);
      free(run->saved);
      free(run->calls);
      free(run->result.at);
      free(run);
    }

    static void destroy(bh_self *bot) {
      while (bot->runs != NULL) {
        bot_run *run = bot->runs;
        bot->runs = run->all;
        bot_free_run(run);
      }
      while (bot->pendings != NULL) {
        bot_pending *pending = bot->pendings;
        bot->pendings = pending->all;
        free(pending);
      }
      size_t states = BOT_STATES, constants = BOT_CONSTANTS; /* which may be none */
      for (size_t i = 0; i < states; i++) free(bot->states[i].at);
      for (size_t i = 0; i < constants; i++) free(bot->constants[i].at);
      for (size_t i = 0; i < bot->pattern_count; i++) regfree(&bot->patterns[i]);
      free(bot->line.at);
      free(bot);
    }

    static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
      (void)start;
      bh_self *bot = calloc(1, sizeof *bot);
      if (bot == NULL) return BH_E_INTERNAL;
      bot->host = host;
      bot->api = api;
      bot->rpc = api->query(host, bot_str(BH_RPC), 1);
      bot_run *run = calloc(1, sizeof *run);
      bool is_whole = bot->rpc != NULL && run != NULL;
      if (is_whole) {
        run->bot = bot;
        bot_set_up(run);
        is_whole = !run->is_full;
        for (size_t i = 0; bot_initial[i] != NULL && is_whole; i++)
          is_whole = bot_assign(&bot->states[i], bot_initial[i], strlen(bot_initial[i]));
        for (size_t i = 0; bot_patterns[i] != NULL && is_whole; i++) {
          is_whole = regcomp(&bot->patterns[i], bot_patterns[i], REG_EXTENDED | REG_NOSUB) == 0;
          if (is_whole) bot->pattern_count++;
        }
      }
      if (run != NULL) bot_free_run(run);
      if (!is_whole) {
        api->set_error(host, BH_E_INTERNAL, bot_str("the bot cannot be set up: no bh.rpc, or no memory"));
        destroy(bot);
        return BH_E_INTERNAL;
      }
      *out = bot;
      return BH_OK;
    }

    /* The states, a line each: name, length, a colon and the JSON text. They are all that outlives a swap: events under way have
     * ended before. */
    static bh_rc export_state(bh_self *bot, uint32_t phase, uint32_t want_version, bh_writer writer, void *sink) {
      (void)phase;
      if (want_version != 1) return BH_E_UNSUPPORTED;
      for (size_t i = 0; bot_state_names[i] != NULL; i++) {
        char head[320];
        int length = snprintf(head, sizeof head, "%s %zu:", bot_state_names[i], bot->states[i].count);
        bh_rc rc = writer(sink, head, (size_t)length);
        if (rc == BH_OK && bot->states[i].count > 0) rc = writer(sink, bot->states[i].at, bot->states[i].count);
        if (rc == BH_OK) rc = writer(sink, "\n", 1);
        if (rc != BH_OK) return rc;
      }
      return BH_OK;
    }

    static bh_rc import_state(bh_self *bot, uint32_t phase, bh_str format, uint32_t version, bh_bytes state) {
      (void)phase;
      (void)format;
      if (version != 1) return BH_E_UNSUPPORTED;
      const char *at = (const char *)state.ptr, *end = at + state.len;
      while (at < end) {
        const char *name = at, *blank = memchr(at, ' ', (size_t)(end - at));
        if (blank == NULL) return BH_E_INVALID;
        size_t length = 0;
        for (at = blank + 1; at < end && *at >= '0' && *at <= '9' && length < BOT_BYTES; at++) length = length * 10 + (size_t)(*at - '0');
        if (at == end || *at != ':' || length >= (size_t)(end - at - 1) || at[1 + length] != '\n') return BH_E_INVALID;
        for (size_t i = 0; bot_state_names[i] != NULL; i++)
          if (strlen(bot_state_names[i]) == (size_t)(blank - name) && memcmp(bot_state_names[i], name, (size_t)(blank - name)) == 0 &&
              !bot_assign(&bot->states[i], at + 1, length))
            return BH_E_NOSPACE;
        at += length + 2;
      }
      return BH_OK;
    }

    static const bh_plugin plugin = {
        .size = sizeof(bh_plugin),
        .abi_major = BH_ABI_MAJOR,
        .abi_minor = BH_ABI_MINOR,
        .name = {BOT_NAME, sizeof BOT_NAME - 1},
        .version = {"1.0.0", sizeof "1.0.0" - 1},
        .sdk = {"bothost compile", sizeof "bothost compile" - 1},
        .state_format = {"bot-state", sizeof "bot-state" - 1},
        .state_version = 1,
        .create = create,
        .export_state = export_state,
        .import_state = import_state,
        .destroy = destroy,
    };

    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t host_abi_minor) {
      (void)host_abi_minor; /* nothing is used that came after version 1.0 */
      return &plugin;
    }
    """#
}
