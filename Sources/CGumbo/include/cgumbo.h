/* The HTML5 parser gumbo, within bounds.
 *
 * gumbo asks for memory as long as a document wants it, and some documents of a few kilobytes want gigabytes, or minutes: the standard
 * has open elements reopened again and again. Its own clean-up calls itself once for each level of the tree. So the tree lies in an
 * arena of a given size, which is given back as a whole, and a document that is not done in its time and its memory is left: by
 * longjmp, which Swift cannot do, out of the allocator. */
#ifndef CGUMBO_H
#define CGUMBO_H

#include <gumbo.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cgumbo_document cgumbo_document;

/* NULL: there is no memory, or the document wants more than `bytes` or takes longer than `nanoseconds` of the thread's time. `html`
 * must stay as it is until the document is freed. */
cgumbo_document *cgumbo_parse(const char *html, size_t length, size_t bytes, int64_t nanoseconds);
const GumboNode *cgumbo_root(const cgumbo_document *document);
void cgumbo_free(cgumbo_document *document);

/* The name of an element, in lower case for those of HTML: `tag` is not NUL-terminated for those that gumbo does not know. */
const char *cgumbo_tag(const GumboElement *element, size_t *length);

#endif
