#define _GNU_SOURCE
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Thread_local void *machine_thread_pointer;

int machine_ticks_are_steady(void) {
#if defined(__x86_64__)
  /* The kernel itself keeps time by the counter only while it finds it steady. */
  char name[16] = {0};
  int file = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t count = read(file, name, sizeof name - 1);
  close(file);
  return count >= 3 && memcmp(name, "tsc", 3) == 0;
#elif defined(__aarch64__)
  return 1;
#else
  return 0;
#endif
}

int machine_barrier(void) {
  static int registered;
  if (!__atomic_load_n(&registered, __ATOMIC_ACQUIRE)) {
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0) return -1;
    __atomic_store_n(&registered, 1, __ATOMIC_RELEASE);
  }
  return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0 ? 0 : -1;
}

int machine_processor(void) { return sched_getcpu(); }

int machine_sleep(const uint32_t *word, uint32_t expected, int64_t deadline) {
  struct timespec time = {.tv_sec = (time_t)(deadline / 1000000000), .tv_nsec = (long)(deadline % 1000000000)};
  /* Of the kinds of waiting, the one whose time is a moment and not a span. */
  long failure = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, deadline < 0 ? NULL : &time, NULL,
                         FUTEX_BITSET_MATCH_ANY);
  return failure != 0 && errno == ETIMEDOUT ? -1 : 0;
}

void machine_wake(const uint32_t *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}
