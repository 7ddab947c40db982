/* Functions of the vDSO, by the addresses that the program has kept. */
#include "said.h"
#include <dlfcn.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/time.h>

int main(void) {
  prepare();
  struct timespec before, after, resolution;
  CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
  unsigned long vdso = getauxval(AT_SYSINFO_EHDR);

  ready();

  for (int i = 0; i < 1000; i++) {
    struct timespec real;
    struct timeval day;
    unsigned processor, node;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    /* On another machine it counts from another start. */
    CHECK(getenv("ELSEWHERE") != NULL || (after.tv_sec >= before.tv_sec && after.tv_sec < before.tv_sec + 60));
    CHECK(clock_gettime(CLOCK_REALTIME, &real) == 0 && gettimeofday(&day, NULL) == 0);
    CHECK(day.tv_sec - real.tv_sec >= 0 && day.tv_sec - real.tv_sec <= 1 && time(NULL) - day.tv_sec <= 1);
    CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_nsec == 1);
    CHECK(getcpu(&processor, &node) == 0 && processor < 4096);
  }
  CHECK(getauxval(AT_SYSINFO_EHDR) == vdso && memcmp((void *)vdso, "\177ELF", 4) == 0);
  return done();
}
