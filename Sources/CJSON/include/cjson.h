/* JSON payloads: checked once, then read in place. */
#ifndef CJSON_H
#define CJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of cj_value, with the numbers of bh_value. */
enum {
  CJ_NULL = 0,
  CJ_BOOL = 1,
  CJ_INT = 2,
  CJ_DOUBLE = 3,
  CJ_STRING = 4,
  CJ_LIST = 5,
  CJ_MAP = 6
};

/* Readable bytes after a text that let it be checked where it lies. */
#define CJ_PADDING 64

/* Lists and maps may be nested so deep. */
#define CJ_DEPTH 1024

/* A value inside a text. Nothing is copied: `text` points into the text that was searched. */
typedef struct cj_value {
  uint32_t kind;
  uint32_t escaped; /* a string with escapes: `cj_unescape` it before use */
  int64_t i;        /* CJ_BOOL, CJ_INT */
  double f;         /* CJ_DOUBLE; also set for CJ_INT */
  const char *text; /* a string without its quotes; everything else as it is written */
  size_t length;
} cj_value;

/* 1: the text is one JSON value (RFC 8259), in well-formed UTF-8 and without lone surrogates. `readable_after`
 * says how many bytes after the text may be read. Any thread. */
int cj_is_json(const char *text, size_t length, size_t readable_after);

/* Finds the value at a pointer (RFC 6901) in a text that `cj_is_json` has accepted.
 * 0: found; 1: there is none; 2: the pointer is malformed. Of equal keys the first one counts. */
int cj_field(const char *json, size_t length, const char *pointer, size_t pointer_length, cj_value *out);

/* Writes the string that an escaped string stands for and returns its length, at most `length`. */
size_t cj_unescape(const char *raw, size_t length, char *out);

#ifdef __cplusplus
}
#endif

#endif
