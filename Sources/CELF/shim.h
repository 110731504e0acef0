#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <link.h>
#include <spawn.h>

/* What loading needs of glibc beyond POSIX. The C library's headers hide these declarations unless _GNU_SOURCE is defined before the first of
 * them is read, which Swift's own module of them does not do. */
extern int dlinfo(void *handle, int request, void *result);
extern int memfd_create(const char *name, unsigned int flags);
extern ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t length, unsigned int flags);
extern int pipe2(int ends[2], int flags);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
enum {
  BH_DLINFO_LINKMAP = 2, /* RTLD_DI_LINKMAP */
  BH_MEMFD_CLOEXEC = 1   /* MFD_CLOEXEC */
};
