/* What the machine and its kernel offer and Swift has no words for. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

#ifdef __cplusplus
#define MACHINE_THREAD_LOCAL thread_local
extern "C" {
#else
#define MACHINE_THREAD_LOCAL _Thread_local
#endif

/* A counter that runs at a constant rate on all cores: the time-stamp counter, or its like. A reading costs less than
 * half a clock_gettime. */
static inline uint64_t machine_ticks(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  uint64_t ticks;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
  return 0;
#endif
}

/* Keeps the compiler from moving memory accesses over this point; the processor may. The other half is
 * `machine_barrier`. */
static inline void machine_compiler_barrier(void) { __asm__ volatile("" ::: "memory"); }

/* The number of the processor that the thread runs on just now; -1 where the kernel does not say. */
int machine_processor(void);

/* A short rest inside a loop that waits for another core. */
static inline void machine_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Asks for memory that will be written soon; any address will do. */
static inline void machine_prefetch(const void *memory) { __builtin_prefetch(memory, 1); }

/* A pointer of the calling thread's own; null at first. */
extern MACHINE_THREAD_LOCAL void *machine_thread_pointer;
static inline void *machine_thread(void) { return machine_thread_pointer; }
static inline void machine_set_thread(void *pointer) { machine_thread_pointer = pointer; }

/* 1 when `machine_ticks` may be used as a clock on this machine. */
int machine_ticks_are_steady(void);

/* Every running thread of the process passes a full memory barrier before this returns, so that readers do without one.
 * Registers the process on first use. 0, or -1 when the kernel does not offer it. */
int machine_barrier(void);

/* Sleeps while the word is `expected`, until that CLOCK_MONOTONIC time in nanoseconds at most (negative: without end). May return
 * without a cause. 0, or -1 when the time has passed. */
int machine_sleep(const uint32_t *word, uint32_t expected, int64_t deadline);

/* Wakes up to `count` threads that sleep by the word. */
void machine_wake(const uint32_t *word, int count);

#ifdef __cplusplus
}
#endif

#endif
