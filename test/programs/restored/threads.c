/* Threads that take turns, with names, masks and signals of their own, and a mutex that survives its owner. */
#include "said.h"
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#define COUNT 8

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, robust, recursive;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t started;
static int turn, stop;
static long turns[COUNT];
static __thread int own;
static volatile int received;
static pid_t main_tid;

static void got(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  received += info->si_value.sival_int;
}

static void *work(void *argument) {
  long me = (long)argument;
  own = (int)me * 100;
  pthread_barrier_wait(&started);
  pthread_mutex_lock(&mutex);
  while (!stop) {
    if (turn % COUNT == me) {
      turn++;
      turns[me]++;
      pthread_cond_broadcast(&condition);
    }
    pthread_cond_wait(&condition, &mutex);
  }
  pthread_mutex_unlock(&mutex);
  return (void *)(long)(own + 1);
}

static void *waiter(void *argument) {
  (void)argument;
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGRTMIN + 1);
  pthread_sigmask(SIG_BLOCK, &blocked, NULL);
  pthread_sigqueue(pthread_self(), SIGRTMIN + 1, (union sigval){.sival_int = 21});
  pthread_barrier_wait(&started);
  /* Ends with the robust mutex held. */
  pthread_mutex_lock(&robust);
  pthread_mutex_lock(&mutex);
  while (!stop) pthread_cond_wait(&condition, &mutex);
  pthread_mutex_unlock(&mutex);
  pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
  return NULL;
}

int main(void) {
  prepare();
  main_tid = (pid_t)syscall(SYS_gettid);
  struct sigaction action = {.sa_sigaction = got, .sa_flags = SA_SIGINFO};
  sigaction(SIGRTMIN + 1, &action, NULL);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &attributes);
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&recursive, &attributes);
  pthread_mutex_lock(&recursive);
  pthread_barrier_init(&started, NULL, COUNT + 2);
  pthread_t threads[COUNT], other;
  for (long i = 0; i < COUNT; i++) {
    char name[16];
    snprintf(name, sizeof name, "worker %ld", i);
    pthread_create(&threads[i], NULL, work, (void *)i);
    pthread_setname_np(threads[i], name);
  }
  pthread_create(&other, NULL, waiter, NULL);
  pthread_barrier_wait(&started);
  usleep(20000);

  ready();

  pthread_mutex_lock(&mutex);
  int before = turn;
  pthread_mutex_unlock(&mutex);
  while (turn < before + 100) usleep(1000);
  CHECK(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_unlock(&recursive) == 0);
  pthread_t late;
  pthread_mutex_lock(&mutex);
  stop = 1;
  pthread_cond_broadcast(&condition);
  pthread_mutex_unlock(&mutex);
  for (long i = 0; i < COUNT; i++) {
    void *result;
    CHECK(pthread_join(threads[i], &result) == 0 && (long)result == i * 100 + 1);
  }
  CHECK(pthread_join(other, NULL) == 0 && received == 21);
  CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD && pthread_mutex_consistent(&robust) == 0);
  /* New threads go through what the old ones have left, the list of stacks among it. */
  stop = 1;
  CHECK(pthread_barrier_destroy(&started) == 0 && pthread_barrier_init(&started, NULL, 1) == 0);
  CHECK(pthread_create(&late, NULL, work, (void *)3L) == 0 && pthread_join(late, NULL) == 0);
  CHECK(main_tid == (pid_t)syscall(SYS_gettid) || getenv("ANY_PID") != NULL);
  return done();
}
