/* A hundred threads that compute in turns of their own, and a sum that must be right in the end. */
#include "said.h"
#include <pthread.h>

#define COUNT 100

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t sum;
static volatile int stop;

static uint64_t next(uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ x << 17;
}

static void *work(void *argument) {
  uint64_t seed = (uint64_t)argument, rounds = 0, state = seed;
  while (!stop) {
    state = next(state);
    rounds++;
    if (rounds % 1000 == 0) usleep(1000);
  }
  /* The same again, undisturbed. */
  uint64_t again = seed;
  for (uint64_t i = 0; i < rounds; i++) again = next(again);
  CHECK(again == state);
  pthread_mutex_lock(&mutex);
  sum += seed;
  pthread_mutex_unlock(&mutex);
  return NULL;
}

int main(void) {
  prepare();
  pthread_t threads[COUNT];
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (long i = 0; i < COUNT; i++) CHECK(pthread_create(&threads[i], &small, work, (void *)(i + 1)) == 0);
  ready();
  stop = 1;
  for (int i = 0; i < COUNT; i++) pthread_join(threads[i], NULL);
  CHECK(sum == COUNT * (COUNT + 1) / 2);
  return done();
}
