#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <link.h>

/* Of dlfcn.h, which hides it unless _GNU_SOURCE is defined before any header is read. */
extern int dlinfo(void *handle, int request, void *result);
enum { BH_DLINFO_LINKMAP = 2 /* RTLD_DI_LINKMAP */ };
