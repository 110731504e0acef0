#include "cjson.h"

#include <simdjson.h>

#include <charconv>
#include <cstring>
#include <new>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace {

using byte = unsigned char;

bool is_space(byte c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_digit(byte c) { return byte(c - '0') < 10; }

int hex_value(byte c) {
  if (is_digit(c)) return c - '0';
  byte lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Four hexadecimal digits, or -1. */
int32_t hex4(const byte *at, const byte *end) {
  if (end - at < 4) return -1;
  int32_t value = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_value(at[i]);
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

/* The first byte at or after `at` that is a quote, a backslash, a control character or not ASCII. */
const byte *plain_run(const byte *at, const byte *end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
  while (end - at >= 16) {
    __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
    /* Signed comparison: bytes of 0x80 and above are below the space as well. */
    __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(chunk, quote), _mm_cmpeq_epi8(chunk, backslash)),
                                   _mm_cmplt_epi8(chunk, space));
    int mask = _mm_movemask_epi8(special);
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
    at += 16;
  }
#endif
  while (at < end && *at != '"' && *at != '\\' && *at >= 0x20 && *at < 0x80) at++;
  return at;
}

/* The byte after one well-formed UTF-8 sequence of two to four bytes, or null (Unicode 15, table 3-7). */
const byte *utf8_sequence(const byte *at, const byte *end) {
  auto continues = [&](int i) { return (at[i] & 0xC0) == 0x80; };
  byte c = *at;
  if (c >= 0xC2 && c <= 0xDF) return end - at >= 2 && continues(1) ? at + 2 : nullptr;
  if ((c & 0xF0) == 0xE0) {
    if (end - at < 3 || !continues(1) || !continues(2)) return nullptr;
    if ((c == 0xE0 && at[1] < 0xA0) || (c == 0xED && at[1] > 0x9F)) return nullptr;
    return at + 3;
  }
  if (c >= 0xF0 && c <= 0xF4) {
    if (end - at < 4 || !continues(1) || !continues(2) || !continues(3)) return nullptr;
    if ((c == 0xF0 && at[1] < 0x90) || (c == 0xF4 && at[1] > 0x8F)) return nullptr;
    return at + 4;
  }
  return nullptr;
}

/* `at` is after the opening quote; returns the byte after the closing one, or null. */
const byte *check_string(const byte *at, const byte *end) {
  while (true) {
    at = plain_run(at, end);
    if (at == end) return nullptr;
    byte c = *at;
    if (c == '"') return at + 1;
    if (c >= 0x80) {
      at = utf8_sequence(at, end);
      if (at == nullptr) return nullptr;
      continue;
    }
    if (c != '\\' || end - at < 2) return nullptr;
    switch (at[1]) {
      case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        at += 2;
        break;
      case 'u': {
        int32_t unit = hex4(at + 2, end);
        if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return nullptr;
        at += 6;
        if (unit >= 0xD800 && unit <= 0xDBFF) {
          if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return nullptr;
          int32_t low = hex4(at + 2, end);
          if (low < 0xDC00 || low > 0xDFFF) return nullptr;
          at += 6;
        }
        break;
      }
      default: return nullptr;
    }
  }
}

const byte *check_number(const byte *at, const byte *end) {
  if (at < end && *at == '-') at++;
  if (at == end || !is_digit(*at)) return nullptr;
  if (*at == '0') {
    at++;
  } else {
    while (at < end && is_digit(*at)) at++;
  }
  if (at < end && *at == '.') {
    at++;
    if (at == end || !is_digit(*at)) return nullptr;
    while (at < end && is_digit(*at)) at++;
  }
  if (at < end && (*at | 0x20) == 'e') {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    if (at == end || !is_digit(*at)) return nullptr;
    while (at < end && is_digit(*at)) at++;
  }
  return at;
}

const byte *check_word(const byte *at, const byte *end, const char *word, size_t length) {
  return size_t(end - at) >= length && memcmp(at, word, length) == 0 ? at + length : nullptr;
}

/* The whole grammar, without recursion: one bit a level says whether it is a map. Small texts are done before a
 * vectorised parser has set up its tables, and nothing after the text is read. */
bool check(const byte *at, const byte *end) {
  uint64_t maps[CJ_DEPTH / 64];
  unsigned depth = 0;
  auto skip = [&] { while (at < end && is_space(*at)) at++; };
  auto in_map = [&] { return (maps[(depth - 1) / 64] >> ((depth - 1) % 64) & 1) != 0; };
  auto key = [&]() -> bool {
    if (at == end || *at != '"') return false;
    at = check_string(at + 1, end);
    if (at == nullptr) return false;
    skip();
    if (at == end || *at != ':') return false;
    at++;
    skip();
    return true;
  };
  skip();
  while (true) {
    if (at == end) return false;
    bool opened = false;
    switch (*at) {
      case '{': case '[': {
        if (depth == CJ_DEPTH) return false;
        bool map = *at == '{';
        uint64_t bit = uint64_t(1) << (depth % 64);
        maps[depth / 64] = depth % 64 == 0 ? (map ? 1 : 0) : (map ? maps[depth / 64] | bit : maps[depth / 64] & ~bit);
        depth++;
        at++;
        skip();
        if (at == end) return false;
        if (*at == (map ? '}' : ']')) break;
        if (map && !key()) return false;
        opened = true;
        break;
      }
      case '"': at = check_string(at + 1, end); break;
      case 't': at = check_word(at, end, "true", 4); break;
      case 'f': at = check_word(at, end, "false", 5); break;
      case 'n': at = check_word(at, end, "null", 4); break;
      default: at = check_number(at, end);
    }
    if (opened) continue;
    if (at == nullptr) return false;
    /* After a value: close what ends here, then the next member or the end. */
    while (true) {
      skip();
      if (depth == 0) return at == end;
      if (at == end) return false;
      bool map = in_map();
      if (*at == (map ? '}' : ']')) {
        depth--;
        at++;
        continue;
      }
      if (*at != ',') return false;
      at++;
      skip();
      if (map && !key()) return false;
      break;
    }
  }
}

/* The byte after a string in a checked text; `at` is after the opening quote. */
const byte *skip_string(const byte *at, const byte *end, bool *escaped) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
#endif
  while (at < end) {
#if defined(__SSE2__)
    while (end - at >= 16) {
      __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
      int mask = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(chunk, quote), _mm_cmpeq_epi8(chunk, backslash)));
      if (mask != 0) {
        at += __builtin_ctz(static_cast<unsigned>(mask));
        break;
      }
      at += 16;
    }
#endif
    while (at < end && *at != '"' && *at != '\\') at++;
    if (at == end) return end;
    if (*at == '"') return at + 1;
    *escaped = true;
    at += end - at >= 2 ? 2 : 1;
  }
  return end;
}

/* The byte after the value that starts at `at`, in a checked text. */
const byte *skip_value(const byte *at, const byte *end) {
  bool escaped;
  if (at == end) return end;
  if (*at == '"') return skip_string(at + 1, end, &escaped);
  if (*at == '{' || *at == '[') {
    size_t depth = 0;
    while (at < end) {
      byte c = *at;
      if (c == '"') {
        at = skip_string(at + 1, end, &escaped);
        continue;
      }
      at++;
      if (c == '{' || c == '[') depth++;
      if ((c == '}' || c == ']') && --depth == 0) return at;
    }
    return end;
  }
  while (at < end && *at != ',' && *at != '}' && *at != ']' && !is_space(*at)) at++;
  return at;
}

/* Appends a code point as UTF-8. */
char *put(char *out, uint32_t c) {
  if (c < 0x80) {
    *out++ = char(c);
  } else if (c < 0x800) {
    *out++ = char(0xC0 | c >> 6);
    *out++ = char(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    *out++ = char(0xE0 | c >> 12);
    *out++ = char(0x80 | (c >> 6 & 0x3F));
    *out++ = char(0x80 | (c & 0x3F));
  } else {
    *out++ = char(0xF0 | c >> 18);
    *out++ = char(0x80 | (c >> 12 & 0x3F));
    *out++ = char(0x80 | (c >> 6 & 0x3F));
    *out++ = char(0x80 | (c & 0x3F));
  }
  return out;
}

/* Reads one code point of an escaped string in a checked text. */
const byte *escape(const byte *at, const byte *end, uint32_t *code) {
  at++; /* the backslash */
  if (at == end) {
    *code = '\\';
    return end;
  }
  switch (*at) {
    case 'b': *code = '\b'; break;
    case 'f': *code = '\f'; break;
    case 'n': *code = '\n'; break;
    case 'r': *code = '\r'; break;
    case 't': *code = '\t'; break;
    case 'u': {
      int32_t unit = hex4(at + 1, end);
      if (unit < 0) {
        *code = 0xFFFD;
        return end;
      }
      at += 5;
      if (unit >= 0xD800 && unit <= 0xDBFF) {
        int32_t low = end - at >= 6 ? hex4(at + 2, end) : -1;
        if (low < 0) {
          *code = 0xFFFD;
          return end;
        }
        *code = uint32_t(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
        return at + 6;
      }
      *code = uint32_t(unit);
      return at;
    }
    default: *code = *at;
  }
  return at + 1;
}

/* Whether a key, as written in the text, is what a reference token of the pointer stands for. */
bool key_equals(const byte *raw, size_t length, bool escaped, const byte *token, size_t token_length, bool tilde) {
  if (!escaped && !tilde) return length == token_length && memcmp(raw, token, length) == 0;
  const byte *end = raw + length, *token_end = token + token_length;
  while (raw < end) {
    char text[4];
    size_t count = 1;
    if (*raw == '\\') {
      uint32_t code;
      raw = escape(raw, end, &code);
      count = size_t(put(text, code) - text);
    } else {
      text[0] = char(*raw++);
    }
    for (size_t i = 0; i < count; i++) {
      if (token == token_end) return false;
      char c = char(*token++);
      if (c == '~' && token < token_end) c = *token++ == '1' ? '/' : '~';
      if (c != text[i]) return false;
    }
  }
  return token == token_end;
}

void describe(const byte *at, const byte *end, cj_value *out) {
  *out = cj_value{};
  out->text = reinterpret_cast<const char *>(at);
  if (at == end) return;
  switch (*at) {
    case '"': {
      bool escaped = false;
      const byte *after = skip_string(at + 1, end, &escaped);
      out->kind = CJ_STRING;
      out->escaped = escaped;
      out->text++;
      out->length = size_t(after - at) >= 2 ? size_t(after - at) - 2 : 0;
      return;
    }
    case '{': out->kind = CJ_MAP; break;
    case '[': out->kind = CJ_LIST; break;
    case 't': case 'f':
      out->kind = CJ_BOOL;
      out->i = *at == 't';
      break;
    case 'n': out->kind = CJ_NULL; break;
    default: out->kind = CJ_INT;
  }
  const byte *after = skip_value(at, end);
  out->length = size_t(after - at);
  if (out->kind != CJ_INT) return;
  const char *first = out->text, *last = out->text + out->length;
  auto whole = std::from_chars(first, last, out->i);
  if (whole.ec == std::errc() && whole.ptr == last) {
    out->f = double(out->i);
    return;
  }
  out->kind = CJ_DOUBLE;
  out->i = 0;
  auto real = std::from_chars(first, last, out->f);
  if (real.ec == std::errc::result_out_of_range) {
    /* Beyond a double: what strtod would give, infinity or zero. */
    bool tiny = memchr(first, '-', out->length) > static_cast<const void *>(first) &&
                (memchr(first, 'e', out->length) != nullptr || memchr(first, 'E', out->length) != nullptr);
    out->f = tiny ? 0.0 : (*first == '-' ? -__builtin_inf() : __builtin_inf());
  }
}

thread_local simdjson::dom::parser parser;

}  // namespace

extern "C" int cj_is_json(const char *text, size_t length, size_t readable_after) {
  const byte *at = reinterpret_cast<const byte *>(text);
  /* A short text is checked before a document for it is set up; in a longer one vectors win. */
  if (length >= 256 && readable_after >= simdjson::SIMDJSON_PADDING && length < 0xFFFFFFFF) {
    simdjson::dom::element root;
    auto error = parser.parse(text, length, false).get(root);
    if (error == simdjson::SUCCESS) return 1;
    /* Numbers beyond 64 bits are JSON all the same; a text without memory to parse it may be. */
    if (error != simdjson::NUMBER_ERROR && error != simdjson::MEMALLOC &&
        error != simdjson::CAPACITY)
      return 0;
  }
  return check(at, at + length);
}

extern "C" int cj_field(const char *json, size_t length, const char *pointer, size_t pointer_length, cj_value *out) {
  const byte *at = reinterpret_cast<const byte *>(json), *end = at + length;
  const byte *path = reinterpret_cast<const byte *>(pointer), *path_end = path + pointer_length;
  auto skip = [&] { while (at < end && is_space(*at)) at++; };
  for (const byte *p = path; p < path_end; p++)
    if (*p == '~' && (p + 1 == path_end || (p[1] != '0' && p[1] != '1'))) return 2;
  skip();
  while (path < path_end) {
    if (*path != '/') return 2;
    const byte *token = ++path;
    while (path < path_end && *path != '/') path++;
    size_t token_length = size_t(path - token);
    bool tilde = memchr(token, '~', token_length) != nullptr;
    if (at == end) return 1;
    if (*at == '{') {
      const byte *found = nullptr;
      at++;
      skip();
      while (at < end && *at == '"') {
        bool escaped = false;
        const byte *name = at + 1;
        at = skip_string(name, end, &escaped);
        size_t name_length = size_t(at - name) > 0 ? size_t(at - name) - 1 : 0;
        skip();
        if (at < end && *at == ':') at++;
        skip();
        if (key_equals(name, name_length, escaped, token, token_length, tilde)) {
          found = at;
          break;
        }
        at = skip_value(at, end);
        skip();
        if (at < end && *at == ',') at++;
        skip();
      }
      if (found == nullptr) return 1;
      at = found;
    } else if (*at == '[') {
      size_t index = 0;
      if (token_length == 0 || token_length > 9 || (token_length > 1 && token[0] == '0')) return 1;
      for (size_t i = 0; i < token_length; i++) {
        if (!is_digit(token[i])) return 1;
        index = index * 10 + size_t(token[i] - '0');
      }
      at++;
      skip();
      if (at < end && *at == ']') return 1;
      while (index > 0) {
        at = skip_value(at, end);
        skip();
        if (at == end || *at != ',') return 1;
        at++;
        skip();
        index--;
      }
    } else {
      return 1;
    }
  }
  describe(at, end, out);
  return 0;
}

extern "C" size_t cj_unescape(const char *raw, size_t length, char *out) {
  const byte *at = reinterpret_cast<const byte *>(raw), *end = at + length;
  char *start = out;
  while (at < end) {
    if (*at != '\\') {
      *out++ = char(*at++);
      continue;
    }
    uint32_t code;
    at = escape(at, end, &code);
    out = put(out, code);
  }
  return size_t(out - start);
}
