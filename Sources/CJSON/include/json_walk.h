/*
 * The whole of a JSON text as a flat tape, for Swift to build a value from in one pass, and the digits of a double.
 *
 * Everything here works on memory of the calling thread: no call waits for another thread.
 */
#ifndef CJSON_JSON_WALK_H
#define CJSON_JSON_WALK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* simdjson's tape. A word's upper 8 bits are its kind, its lower 56 bits a payload:
 *   'r'          the frame; the tape starts and ends with one
 *   '{' '['      lower 32 bits: the index after the matching end; next 24 bits: the number of members, saturated
 *   '}' ']'      the end
 *   '"'          offset in `strings` of a uint32_t length and then that many bytes of UTF-8
 *   'l' 'u' 'd'  the next word is an int64_t, uint64_t, double
 *   't' 'f' 'n'  true, false, null
 */
typedef struct json_walk_tape {
  const uint64_t *words;
  const uint8_t *strings;
} json_walk_tape;

/* Parses `length` bytes (no padding needed). 0 and a tape that is borrowed until the next call on this thread, or
 * simdjson's error number. */
int32_t json_walk_parse(const char *text, size_t length, uint32_t max_depth, json_walk_tape *tape);

/* Says that the tape is not looked at any more; gives back the memory of an unusually large text. */
void json_walk_done(void);

/* Whether simdjson refused the text because of its nesting. */
int32_t json_walk_is_depth_error(int32_t error);

/* Writes the shortest digits that read back as the same double, laid out as ECMAScript's Number::toString does
 * (RFC 8785, 3.2.2.3), and returns how many bytes: at most JSON_WALK_DOUBLE. 0 for NaN and the infinities, which JSON
 * does not have. */
size_t json_walk_format_double(double value, char *out);

/* The same number again with a fraction, when nothing else shows that it is no integer: "1.0" for 1. */
size_t json_walk_format_double_with_point(double value, char *out);

#define JSON_WALK_DOUBLE 40

/* Reads the number that the bytes are; 0 when they are not one double, else 1. Infinite when it is out of range. */
int32_t json_walk_read_double(const char *text, size_t length, double *value);

#ifdef __cplusplus
}
#endif

#endif
