#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <spawn.h>

/* Of glibc, and not in its headers unless _GNU_SOURCE is defined, which a module cannot ask for once another has read them. */
extern int pipe2(int ends[2], int flags);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
