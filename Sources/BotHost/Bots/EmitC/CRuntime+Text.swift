/// The part of an emitted source that is the same for every bot: reading JSON text in place, growing memory.
///
/// It does what `JSONText` and `JSONFieldScanner` do, in the same way; a test compares the two on every bot that it has.
enum CRuntimeText {
  static let source = #"""
    /* ---- Memory --------------------------------------------------------------------------------------------- */

    /* What a bot does not use is not compiled in. */
    #if defined(__GNUC__) || defined(__clang__)
    #define BOT_PART __attribute__((unused)) static
    #else
    #define BOT_PART static
    #endif

    enum {
      BOT_STEPS = 1000000,    /* that a handler may carry out */
      BOT_CALLS = 10000,      /* that an event may cause */
      BOT_EVENTS = 65536,     /* that may be under way */
      BOT_BYTES = 64 << 20    /* that a handler's values may take */
    };

    typedef struct bot_bytes {
      char *at;
      size_t count;
      size_t capacity;
    } bot_bytes;

    /* Makes room for more bytes; false when there is no memory. */
    BOT_PART bool bot_reserve(bot_bytes *bytes, size_t more) {
      if (bytes->capacity - bytes->count >= more) return true;
      size_t wanted = bytes->capacity < 1024 ? 1024 : bytes->capacity * 2;
      if (wanted < bytes->count + more) wanted = bytes->count + more;
      char *larger = realloc(bytes->at, wanted);
      if (larger == NULL) return false;
      bytes->at = larger;
      bytes->capacity = wanted;
      return true;
    }

    BOT_PART bool bot_append(bot_bytes *bytes, const char *text, size_t length) {
      if (!bot_reserve(bytes, length)) return false;
      if (length > 0) memcpy(bytes->at + bytes->count, text, length);
      bytes->count += length;
      return true;
    }

    BOT_PART bool bot_assign(bot_bytes *bytes, const char *text, size_t length) {
      bytes->count = 0;
      return bot_append(bytes, text, length);
    }

    /* ---- JSON text, read in place --------------------------------------------------------------------------- */

    /* A part of a text; empty for a value that is not there. */
    typedef struct bot_span {
      size_t start;
      size_t end;
    } bot_span;

    BOT_PART bot_span bot_none(void) {
      bot_span none = {0, 0};
      return none;
    }

    BOT_PART void bot_skip_blanks(const char *text, size_t end, size_t *at) {
      while (*at < end && (text[*at] == ' ' || text[*at] == '\n' || text[*at] == '\r' || text[*at] == '\t')) ++*at;
    }

    /* Moves behind the string that begins at `at`; false when it does not end. */
    BOT_PART bool bot_skip_string(const char *text, size_t end, size_t *at) {
      for (++*at; *at < end;) {
        char c = text[*at];
        if (c == '"') {
          ++*at;
          return true;
        }
        *at += c == '\\' ? 2 : 1;
      }
      return false;
    }

    /* Moves behind the list or map that begins at `at`. */
    BOT_PART bool bot_skip_nested(const char *text, size_t end, size_t *at) {
      size_t depth = 0;
      while (*at < end) {
        switch (text[*at]) {
          case '"':
            if (!bot_skip_string(text, end, at)) return false;
            continue;
          case '{':
          case '[': depth++; break;
          case '}':
          case ']':
            if (--depth == 0) {
              ++*at;
              return true;
            }
            break;
          default: break;
        }
        ++*at;
      }
      return false;
    }

    BOT_PART bool bot_skip_value(const char *text, size_t end, size_t *at) {
      if (*at >= end) return false;
      if (text[*at] == '"') return bot_skip_string(text, end, at) && *at <= end;
      if (text[*at] == '{' || text[*at] == '[') return bot_skip_nested(text, end, at);
      size_t start = *at;
      while (*at < end && text[*at] != ',' && text[*at] != '}' && text[*at] != ']' && (unsigned char)text[*at] > ' ') ++*at;
      return *at > start;
    }

    /* The next member of a map: `at` stands behind `{` or behind the member before. The name is without its quotes, escapes
     * and all. False at the end. */
    BOT_PART bool bot_next_member(const char *text, size_t end, size_t *at, bot_span *name, bot_span *value) {
      bot_skip_blanks(text, end, at);
      if (*at < end && text[*at] == ',') {
        ++*at;
        bot_skip_blanks(text, end, at);
      }
      if (*at >= end || text[*at] != '"') return false;
      name->start = *at + 1;
      if (!bot_skip_string(text, end, at) || *at > end) return false;
      name->end = *at - 1;
      bot_skip_blanks(text, end, at);
      if (*at >= end || text[*at] != ':') return false;
      ++*at;
      bot_skip_blanks(text, end, at);
      value->start = *at;
      if (!bot_skip_value(text, end, at)) return false;
      value->end = *at;
      return true;
    }

    /* The next element of a list: `at` stands behind `[` or behind the element before. */
    BOT_PART bool bot_next_element(const char *text, size_t end, size_t *at, bot_span *value) {
      bot_skip_blanks(text, end, at);
      if (*at < end && text[*at] == ',') {
        ++*at;
        bot_skip_blanks(text, end, at);
      }
      if (*at >= end || text[*at] == ']') return false;
      value->start = *at;
      if (!bot_skip_value(text, end, at)) return false;
      value->end = *at;
      return true;
    }

    /* Four hexadecimal digits, or -1. */
    BOT_PART long bot_hex(const char *text) {
      long value = 0;
      for (int i = 0; i < 4; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
      }
      return value;
    }

    BOT_PART bool bot_append_utf8(bot_bytes *out, long code) {
      char bytes[4];
      size_t count = 0;
      if (code < 0x80) {
        bytes[count++] = (char)code;
      } else if (code < 0x800) {
        bytes[count++] = (char)(0xC0 | code >> 6);
        bytes[count++] = (char)(0x80 | (code & 63));
      } else if (code < 0x10000) {
        bytes[count++] = (char)(0xE0 | code >> 12);
        bytes[count++] = (char)(0x80 | (code >> 6 & 63));
        bytes[count++] = (char)(0x80 | (code & 63));
      } else {
        bytes[count++] = (char)(0xF0 | code >> 18);
        bytes[count++] = (char)(0x80 | (code >> 12 & 63));
        bytes[count++] = (char)(0x80 | (code >> 6 & 63));
        bytes[count++] = (char)(0x80 | (code & 63));
      }
      return bot_append(out, bytes, count);
    }

    /* Appends what the inside of a string stands for; false when an escape is wrong. */
    BOT_PART bool bot_unescape(const char *text, size_t length, bot_bytes *out) {
      for (size_t i = 0; i < length;) {
        size_t run = i;
        while (i < length && text[i] != '\\') i++;
        if (!bot_append(out, text + run, i - run)) return false;
        if (i == length) return true;
        if (i + 1 >= length) return false;
        char c = text[i + 1];
        i += 2;
        switch (c) {
          case 'b': c = '\b'; break;
          case 'f': c = '\f'; break;
          case 'n': c = '\n'; break;
          case 'r': c = '\r'; break;
          case 't': c = '\t'; break;
          case '"':
          case '\\':
          case '/': break;
          case 'u': {
            long code = i + 4 <= length ? bot_hex(text + i) : -1;
            if (code < 0 || (code >= 0xDC00 && code < 0xE000)) return false;
            i += 4;
            if (code >= 0xD800 && code < 0xDC00) {
              long low = i + 6 <= length && text[i] == '\\' && text[i + 1] == 'u' ? bot_hex(text + i + 2) : -1;
              if (low < 0xDC00 || low >= 0xE000) return false;
              i += 6;
              code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            }
            if (!bot_append_utf8(out, code)) return false;
            continue;
          }
          default: return false;
        }
        if (!bot_append(out, &c, 1)) return false;
      }
      return true;
    }

    /* Whether two strings' insides stand for the same text. */
    BOT_PART bool bot_same_text(const char *a, size_t a_length, const char *b, size_t b_length) {
      if (a_length == b_length && memcmp(a, b, a_length) == 0) return true;
      if (memchr(a, '\\', a_length) == NULL && memchr(b, '\\', b_length) == NULL) return false;
      bot_bytes left = {NULL, 0, 0}, right = {NULL, 0, 0};
      bool same = bot_unescape(a, a_length, &left) && bot_unescape(b, b_length, &right) && left.count == right.count &&
                  (left.count == 0 || memcmp(left.at, right.at, left.count) == 0);
      free(left.at);
      free(right.at);
      return same;
    }

    /* The value of a map's member; of two with one name the first. */
    BOT_PART bot_span bot_find(const char *text, bot_span range, const char *name, size_t length) {
      if (range.start == range.end || text[range.start] != '{') return bot_none();
      size_t at = range.start + 1;
      bot_span found, value;
      while (bot_next_member(text, range.end, &at, &found, &value))
        if (bot_same_text(text + found.start, found.end - found.start, name, length)) return value;
      return bot_none();
    }

    /* ---- Comparing values ------------------------------------------------------------------------------------ */

    /* The value's first byte, which tells its kind; 0 for none. */
    BOT_PART char bot_kind(const char *text, bot_span value) { return value.start == value.end ? 0 : text[value.start]; }

    BOT_PART bool bot_is_nothing(const char *text, bot_span value) {
      char kind = bot_kind(text, value);
      return kind == 0 || kind == 'n';
    }

    BOT_PART bool bot_number(const char *text, bot_span value, double *number) {
      char kind = bot_kind(text, value);
      if (kind != '-' && (kind < '0' || kind > '9')) return false;
      size_t length = value.end - value.start;
      char few[64];
      char *copy = length < sizeof few ? few : malloc(length + 1);
      if (copy == NULL) return false;
      memcpy(copy, text + value.start, length);
      copy[length] = 0;
      char *end;
      *number = strtod(copy, &end);
      bool whole = end == copy + length;
      if (copy != few) free(copy);
      return whole;
    }

    /* An integer that 64 bits hold. */
    BOT_PART bool bot_integer(const char *text, bot_span value, long long *number) {
      size_t at = value.start;
      bool negative = at < value.end && text[at] == '-';
      if (negative) at++;
      if (at == value.end) return false;
      long long result = 0;
      for (; at < value.end; at++) {
        if (text[at] < '0' || text[at] > '9') return false;
        int digit = text[at] - '0';
        if (result < (LLONG_MIN + digit) / 10) return false;
        result = result * 10 - digit;
      }
      if (!negative && result == LLONG_MIN) return false;
      *number = negative ? result : -result;
      return true;
    }

    BOT_PART bool bot_equal_inside(const char *a_text, bot_span a, const char *b_text, bot_span b);

    /* How many names a map has, and whether each of its members is the same in another map. Of two members with one name the
     * last counts. */
    BOT_PART bool bot_members_within(const char *a_text, bot_span a, const char *b_text, bot_span b, size_t *names) {
      size_t at = a.start + 1;
      bot_span name, value;
      *names = 0;
      while (bot_next_member(a_text, a.end, &at, &name, &value)) {
        size_t later = at, other = b.start + 1;
        bot_span next_name, next_value, found = bot_none();
        bool again = false;
        while (!again && bot_next_member(a_text, a.end, &later, &next_name, &next_value))
          again = bot_same_text(a_text + name.start, name.end - name.start, a_text + next_name.start, next_name.end - next_name.start);
        if (again) continue;
        ++*names;
        while (bot_next_member(b_text, b.end, &other, &next_name, &next_value))
          if (bot_same_text(a_text + name.start, name.end - name.start, b_text + next_name.start, next_name.end - next_name.start))
            found = next_value;
        if (found.start == found.end || !bot_equal_inside(a_text, value, b_text, found)) return false;
      }
      return true;
    }

    /* Within lists and maps: whole numbers are compared exactly. */
    BOT_PART bool bot_equal_inside(const char *a_text, bot_span a, const char *b_text, bot_span b) {
      char kind = bot_kind(a_text, a), other = bot_kind(b_text, b);
      if (kind == '"' || kind == '{' || kind == '[' || kind == 't' || kind == 'f' || kind == 'n') {
        if (kind != other) return false;
      }
      switch (kind) {
        case '"': return bot_same_text(a_text + a.start + 1, a.end - a.start - 2, b_text + b.start + 1, b.end - b.start - 2);
        case 't':
        case 'f':
        case 'n': return true;
        case '[': {
          size_t i = a.start + 1, j = b.start + 1;
          bot_span left, right;
          for (;;) {
            bool has_left = bot_next_element(a_text, a.end, &i, &left), has_right = bot_next_element(b_text, b.end, &j, &right);
            if (!has_left || !has_right) return has_left == has_right;
            if (!bot_equal_inside(a_text, left, b_text, right)) return false;
          }
        }
        case '{': {
          size_t names, others;
          return bot_members_within(a_text, a, b_text, b, &names) && bot_members_within(b_text, b, a_text, a, &others) &&
                 names == others;
        }
        default: {
          long long i, j;
          double x, y;
          bool is_integer = bot_integer(a_text, a, &i);
          if (is_integer && bot_integer(b_text, b, &j)) return i == j;
          return bot_number(a_text, a, &x) && bot_number(b_text, b, &y) && x == y;
        }
      }
    }

    BOT_PART bool bot_equal(const char *text, bot_span a, bot_span b) {
      if (bot_is_nothing(text, a) || bot_is_nothing(text, b)) return bot_is_nothing(text, a) && bot_is_nothing(text, b);
      size_t length = a.end - a.start;
      if (length == b.end - b.start && memcmp(text + a.start, text + b.start, length) == 0) return true;
      char kind = bot_kind(text, a), other = bot_kind(text, b);
      if ((kind == '"') != (other == '"')) return false;
      double x, y;
      if (kind != '"' && bot_number(text, a, &x) && bot_number(text, b, &y)) return x == y;
      if (kind == '"' || (kind == other && (kind == '[' || kind == '{'))) return bot_equal_inside(text, a, text, b);
      return false;
    }

    /* Not missing, null, false, zero or empty. */
    BOT_PART bool bot_is_true(const char *text, bot_span value) {
      switch (bot_kind(text, value)) {
        case 0:
        case 'n':
        case 'f': return false;
        case 't': return true;
        case '"': return value.end - value.start > 2;
        case '[':
        case '{': {
          size_t at = value.start + 1;
          bot_skip_blanks(text, value.end, &at);
          return at < value.end && text[at] != ']' && text[at] != '}';
        }
        default: {
          double number;
          return !bot_number(text, value, &number) || number != 0;
        }
      }
    }

    BOT_PART bool bot_is_in(const char *text, bot_span value, bot_span list) {
      if (bot_kind(text, list) != '[') return false;
      size_t at = list.start + 1;
      bot_span element;
      while (bot_next_element(text, list.end, &at, &element))
        if (bot_equal(text, value, element)) return true;
      return false;
    }

    BOT_PART bool bot_is_less(const char *text, bot_span smaller, bot_span larger) {
      double x, y;
      return bot_number(text, smaller, &x) && bot_number(text, larger, &y) && x < y;
    }

    """#
}
