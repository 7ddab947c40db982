/* What a process is to the kernel beside its memory: said before and after, to be compared. */
#include "said.h"
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void say(void) {
  char path[4096];
  printf("cwd %s\n", getcwd(path, sizeof path));
  mode_t mask = umask(0);
  umask(mask);
  printf("umask %o personality %lx\n", mask, (unsigned long)personality(0xffffffff));
  for (int i = 0; i < RLIM_NLIMITS; i++) {
    struct rlimit limit;
    getrlimit(i, &limit);
    printf("limit %d %lx %lx\n", i, limit.rlim_cur, limit.rlim_max);
  }
  char name[16];
  prctl(PR_GET_NAME, name);
  int subreaper = 0, death = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  prctl(PR_GET_PDEATHSIG, &death);
  printf("name %s subreaper %d death %d dumpable %d thp %d slack %d\n", name, subreaper, death, prctl(PR_GET_DUMPABLE),
         prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), prctl(PR_GET_TIMERSLACK));
  printf("nice %d policy %d\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0));
  printf("ids %d %d %d %d pid %d\n", getuid(), geteuid(), getgid(), getegid(), getenv("ANY_PID") ? 0 : getpid());
  cpu_set_t processors;
  sched_getaffinity(0, sizeof processors, &processors);
  printf("processors %d %d\n", CPU_COUNT(&processors), CPU_ISSET(0, &processors));
  fflush(stdout);
}

int main(void) {
  prepare();
  CHECK(mkdir("below", 0755) == 0 || errno == EEXIST);
  CHECK(chdir("below") == 0);
  umask(0137);
  personality(ADDR_NO_RANDOMIZE);
  struct rlimit limit = {100, 200};
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit = (struct rlimit){1 << 30, RLIM_INFINITY};
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  CHECK(prctl(PR_SET_NAME, "another name") == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0 && prctl(PR_SET_TIMERSLACK, 123456) == 0);
  CHECK(prctl(PR_SET_PDEATHSIG, SIGWINCH) == 0);
  CHECK(setpriority(PRIO_PROCESS, 0, 7) == 0);
  struct sched_param parameter = {0};
  CHECK(sched_setscheduler(0, SCHED_BATCH, &parameter) == 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
  say();
  ready();
  say();
  return done();
}
