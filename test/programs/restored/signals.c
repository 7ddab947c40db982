/* Signals that wait, masks, handlers, alternate stacks, timers, and a system call that is interrupted. */
#include "said.h"
#include <sys/time.h>
#include <sys/syscall.h>

static volatile int order[8], values[8], count, alarms, ticks, on_stack;
static char *stack;

static void note(int signal, siginfo_t *info, void *context) {
  (void)context;
  if (count < 8) {
    order[count] = signal;
    values[count] = info->si_value.sival_int;
  }
  count++;
}

static void alarmed(int signal) {
  (void)signal;
  alarms++;
}

static void ticked(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  if (info->si_code == SI_TIMER && info->si_value.sival_int == 99) ticks++;
}

static void high(int signal) {
  (void)signal;
  char here;
  on_stack = &here >= stack && &here < stack + 65536;
  /* The checkpoint is made while this thread stands on the alternate stack. */
  ready();
}

int main(void) {
  prepare();
  struct sigaction with_info = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
  sigfillset(&with_info.sa_mask);
  CHECK(sigaction(SIGUSR2, &with_info, NULL) == 0 && sigaction(SIGRTMIN + 3, &with_info, NULL) == 0);
  struct sigaction alarm_action = {.sa_handler = alarmed, .sa_flags = SA_RESTART};
  CHECK(sigaction(SIGVTALRM, &alarm_action, NULL) == 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  struct sigaction tick = {.sa_sigaction = ticked, .sa_flags = SA_SIGINFO | SA_RESTART};
  CHECK(sigaction(SIGRTMIN + 5, &tick, NULL) == 0);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigaddset(&blocked, SIGRTMIN + 3);
  CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
  for (int i = 1; i <= 3; i++) CHECK(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = i}) == 0);
  CHECK(kill(getpid(), SIGUSR2) == 0 && kill(getpid(), SIGUSR2) == 0);
  CHECK(syscall(SYS_tgkill, getpid(), getpid(), SIGRTMIN + 3) == 0);
  struct itimerval virtual = {{0, 10000}, {0, 10000}};
  CHECK(setitimer(ITIMER_VIRTUAL, &virtual, NULL) == 0);
  timer_t unused, timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 5, .sigev_value.sival_int = 99};
  CHECK(timer_create(CLOCK_MONOTONIC, &event, &unused) == 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  CHECK(timer_delete(unused) == 0);
  struct itimerspec every = {{0, 20000000}, {0, 20000000}};
  CHECK(timer_settime(timer, 0, &every, NULL) == 0);
  stack = malloc(65536);
  stack_t alternate = {.ss_sp = stack, .ss_size = 65536};
  CHECK(sigaltstack(&alternate, NULL) == 0);
  struct sigaction on_other = {.sa_handler = high, .sa_flags = SA_ONSTACK};
  CHECK(sigaction(SIGTERM, &on_other, NULL) == 0);

  CHECK(raise(SIGTERM) == 0 && on_stack);

  CHECK(sigaltstack(NULL, &alternate) == 0 && alternate.ss_sp == stack && alternate.ss_size == 65536 && alternate.ss_flags == 0);
  sigset_t waiting, mask;
  CHECK(sigpending(&waiting) == 0 && sigismember(&waiting, SIGUSR2) == 1 && count == 0);
  CHECK(sigprocmask(SIG_SETMASK, NULL, &mask) == 0 && sigismember(&mask, SIGUSR1) == 1 && sigismember(&mask, SIGHUP) == 0);
  CHECK(sigprocmask(SIG_UNBLOCK, &blocked, NULL) == 0);
  for (int i = 0; i < count; i++) printf("signal %d value %d\n", order[i] == SIGUSR2 ? 0 : order[i] - SIGRTMIN, order[i] == SIGUSR2 ? 0 : values[i]);
  struct sigaction found;
  CHECK(sigaction(SIGPIPE, NULL, &found) == 0 && found.sa_handler == SIG_IGN);
  CHECK(sigaction(SIGRTMIN + 3, NULL, &found) == 0 && sigismember(&found.sa_mask, SIGHUP) == 1);
  int before = ticks;
  while (ticks < before + 3) pause();
  before = alarms;
  while (alarms < before + 3)
    ;
  return done();
}
