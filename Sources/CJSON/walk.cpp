#include "json_walk.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <system_error>

#include <simdjson.h>

namespace {

// A parser keeps what its largest text needed; above this it is dropped after use.
constexpr size_t kept_capacity = 1u << 20;

struct walker {
  std::unique_ptr<simdjson::dom::parser> parser;
  size_t depth = 0;
};

walker &of_this_thread() {
  static thread_local walker instance;
  return instance;
}

}  // namespace

extern "C" int32_t json_walk_parse(const char *text, size_t length, uint32_t max_depth, json_walk_tape *tape) {
  walker &own = of_this_thread();
  if (!own.parser) own.parser.reset(new (std::nothrow) simdjson::dom::parser());
  if (!own.parser) return simdjson::MEMALLOC;
  simdjson::dom::parser &parser = *own.parser;
  if (length == 0) return simdjson::EMPTY;
  // The parser makes room only when it is too small, and only then asks how deep a text may nest.
  if (parser.capacity() < length || own.depth != max_depth) {
    size_t capacity = parser.capacity() < length ? length : parser.capacity();
    auto error = parser.allocate(capacity, max_depth);
    if (error) return error;
    own.depth = max_depth;
  }
  simdjson::dom::element root;
  auto error = parser.parse(text, length, true).get(root);
  if (error) return error;
  tape->words = parser.doc.tape.get();
  tape->strings = parser.doc.string_buf.get();
  return simdjson::SUCCESS;
}

extern "C" void json_walk_done(void) {
  walker &own = of_this_thread();
  if (own.parser && own.parser->capacity() > kept_capacity) {
    own.parser.reset();
    own.depth = 0;
  }
}

extern "C" int32_t json_walk_is_depth_error(int32_t error) { return error == simdjson::DEPTH_ERROR; }

extern "C" size_t json_walk_format_double(double value, char *out) {
  if (!std::isfinite(value)) return 0;
  if (value == 0) {  // also -0, as ECMAScript does
    out[0] = '0';
    return 1;
  }
  char text[48];
  auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  // [-]d[.ddd]e±dd
  const char *p = text;
  char *o = out;
  if (*p == '-') *o++ = *p++;
  char digits[24];
  int count = 0;
  while (p < end && *p != 'e') {
    if (*p != '.') digits[count++] = *p;
    p++;
  }
  int exponent = 0;
  bool negative = p + 1 < end && p[1] == '-';
  for (p += 2; p < end; p++) exponent = exponent * 10 + (*p - '0');
  if (negative) exponent = -exponent;
  const int n = exponent + 1;  // the position of the decimal point, counted from the first digit
  if (count <= n && n <= 21) {
    std::memcpy(o, digits, count);
    std::memset(o + count, '0', n - count);
    return static_cast<size_t>(o + n - out);
  }
  if (0 < n && n <= 21) {
    std::memcpy(o, digits, n);
    o[n] = '.';
    std::memcpy(o + n + 1, digits + n, count - n);
    return static_cast<size_t>(o + count + 1 - out);
  }
  if (-6 < n && n <= 0) {
    *o++ = '0';
    *o++ = '.';
    std::memset(o, '0', -n);
    std::memcpy(o - n, digits, count);
    return static_cast<size_t>(o - n + count - out);
  }
  *o++ = digits[0];
  if (count > 1) {
    *o++ = '.';
    std::memcpy(o, digits + 1, count - 1);
    o += count - 1;
  }
  *o++ = 'e';
  *o++ = n - 1 < 0 ? '-' : '+';
  o = std::to_chars(o, o + 8, n - 1 < 0 ? 1 - n : n - 1).ptr;
  return static_cast<size_t>(o - out);
}

extern "C" size_t json_walk_format_double_with_point(double value, char *out) {
  if (value == 0) {
    const char *zero = std::signbit(value) ? "-0.0" : "0.0";
    const size_t length = std::strlen(zero);
    std::memcpy(out, zero, length);
    return length;
  }
  size_t length = json_walk_format_double(value, out);
  for (size_t i = 0; i < length; i++) {
    if (out[i] == '.' || out[i] == 'e') return length;
  }
  if (length == 0) return 0;
  out[length] = '.';
  out[length + 1] = '0';
  return length + 2;
}

extern "C" int32_t json_walk_read_double(const char *text, size_t length, double *value) {
  double read = 0;
  auto result = std::from_chars(text, text + length, read);
  if (result.ptr != text + length) return 0;
  if (result.ec == std::errc::result_out_of_range) {
    // Too small is as good as zero, as everywhere; too large is what the caller has to refuse.
    bool small = false;
    for (size_t i = 0; i + 1 < length; i++) {
      if ((text[i] == 'e' || text[i] == 'E') && text[i + 1] == '-') small = true;
    }
    *value = small ? 0.0 : std::numeric_limits<double>::infinity();
    return 1;
  }
  if (result.ec != std::errc()) return 0;
  *value = read;
  return 1;
}
