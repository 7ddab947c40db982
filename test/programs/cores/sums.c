/* Three threads that add up under a mutex until they are told to stop, or for a while: what is left of it must go on and come out right. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define THREADS 3
#define ROUNDS 40

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long total;

static void *add(void *value) {
  for (int round = 0; round < ROUNDS; round++) {
    pthread_mutex_lock(&mutex);
    total += (long)value;
    pthread_mutex_unlock(&mutex);
    usleep(50000);
  }
  return value;
}

static __attribute__((noinline)) long wait_for(pthread_t *threads) {
  long sum = 0;
  for (int index = 0; index < THREADS; index++) {
    void *value;
    pthread_join(threads[index], &value);
    sum += (long)value;
  }
  return sum;
}

int main(void) {
  pthread_t threads[THREADS];
  for (long index = 0; index < THREADS; index++) pthread_create(&threads[index], NULL, add, (void *)(index + 1));
  puts("ready");
  fflush(stdout);
  long sum = wait_for(threads);
  printf("%ld %ld\n", total, sum);
  return 0;
}
