/* What all programs here do: they say `ready`, wait for SIGUSR1, and then say what they find. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      printf("wrong at line %d: %s (errno %d)\n", __LINE__, #condition, errno); \
      fflush(stdout);                                                      \
      exit(1);                                                             \
    }                                                                      \
  } while (0)

static volatile sig_atomic_t told;

static void tell(int signal) {
  (void)signal;
  told = 1;
}

/* Before anything else: from then on SIGUSR1 waits. */
static inline void prepare(void) {
  static char buffer[4096];
  struct sigaction action = {.sa_handler = tell};
  sigset_t blocked;
  /* The heap is the programs' own. */
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  sigaction(SIGUSR1, &action, NULL);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
}

static inline void ready(void) {
  sigset_t open;
  sigprocmask(SIG_SETMASK, NULL, &open);
  sigdelset(&open, SIGUSR1);
  printf("ready\n");
  fflush(stdout);
  while (!told) sigsuspend(&open);
}

static inline int done(void) {
  printf("done\n");
  fflush(stdout);
  return 0;
}
