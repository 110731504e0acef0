#define _POSIX_C_SOURCE 200809L
#include "cgumbo.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A piece of the arena; what is allocated lies behind it. */
typedef struct chunk {
  struct chunk *next;
  size_t size, used;
} chunk;

struct cgumbo_document {
  chunk *chunks;
  size_t bytes_left;
  int64_t deadline;
  unsigned allocations;
  GumboOutput *output;
  jmp_buf give_up;
};

enum { CHUNK = 256 * 1024, ALIGNMENT = 16 };

static int64_t thread_time(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *allocate(void *context, size_t size) {
  cgumbo_document *document = context;
  /* Between two allocations gumbo walks the open elements a few times at most: the clock is asked often enough. */
  if ((++document->allocations & 63) == 0 && thread_time() > document->deadline) longjmp(document->give_up, 1);
  if (size > document->bytes_left) longjmp(document->give_up, 1);
  size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  if (size == 0) size = ALIGNMENT;
  chunk *last = document->chunks;
  if (last == NULL || last->size - last->used < size) {
    size_t room = size > CHUNK ? size : CHUNK;
    size_t header = (sizeof(chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (room > document->bytes_left || (last = malloc(header + room)) == NULL) longjmp(document->give_up, 1);
    document->bytes_left -= room;
    last->next = document->chunks;
    last->size = header + room;
    last->used = header;
    document->chunks = last;
  }
  void *result = (char *)last + last->used;
  last->used += size;
  return result;
}

static void keep(void *context, void *pointer) { (void)context, (void)pointer; }

cgumbo_document *cgumbo_parse(const char *html, size_t length, size_t bytes, int64_t nanoseconds) {
  cgumbo_document *document = calloc(1, sizeof *document);
  if (document == NULL) return NULL;
  document->bytes_left = bytes;
  document->deadline = thread_time() + nanoseconds;
  if (setjmp(document->give_up) != 0) {
    cgumbo_free(document);
    return NULL;
  }
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = allocate;
  options.deallocator = keep;
  options.userdata = document;
  options.max_errors = 0;
  document->output = gumbo_parse_with_options(&options, html, length);
  return document;
}

const GumboNode *cgumbo_root(const cgumbo_document *document) { return document->output->root; }

void cgumbo_free(cgumbo_document *document) {
  if (document == NULL) return;
  for (chunk *each = document->chunks; each != NULL;) {
    chunk *next = each->next;
    free(each);
    each = next;
  }
  free(document);
}

const char *cgumbo_tag(const GumboElement *element, size_t *length) {
  if (element->tag != GUMBO_TAG_UNKNOWN) {
    const char *name = gumbo_normalized_tagname(element->tag);
    *length = strlen(name);
    return name;
  }
  GumboStringPiece piece = element->original_tag;
  gumbo_tag_from_original_text(&piece);
  *length = piece.data == NULL ? 0 : piece.length;
  return piece.data;
}
