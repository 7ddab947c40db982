/* A long computation with the x87 unit, SSE, a heap and a file: what it comes to must be what it comes to without interruption. */
#include "said.h"

#define SIZE (1 << 16)

struct state {
  uint64_t mixed;
  long double slow;
  double fast;
  unsigned char memory[SIZE];
};

/* As many rounds as there are; without a number, until it is told to stop. Returns how many there were. */
static uint64_t compute(struct state *state, uint64_t rounds, FILE *log) {
  uint64_t i = 0;
  state->mixed = 0x9e3779b97f4a7c15;
  state->slow = state->fast = 1;
  for (; rounds == 0 ? !told : i < rounds; i++) {
    for (int j = 0; j < 2000; j++) {
      state->mixed = (state->mixed ^ (state->mixed >> 29)) * 0xbf58476d1ce4e5b9 + i;
      state->memory[state->mixed % SIZE] += (unsigned char)state->mixed;
      state->slow = state->slow * 1.0000001L + 1e-9L;
      state->fast = state->fast * 0.9999999 + 1e-9;
    }
    if (i % 1000 == 0) fprintf(log, "%016lx\n", state->mixed);
  }
  return i;
}

static char *contents(FILE *file, long *size) {
  fflush(file);
  *size = ftell(file);
  char *bytes = malloc(*size + 1);
  CHECK(bytes != NULL && pread(fileno(file), bytes, *size, 0) == *size);
  return bytes;
}

int main(void) {
  struct state *one = calloc(1, sizeof *one), *other = calloc(1, sizeof *other);
  FILE *log = fopen("log", "w+"), *again = tmpfile();
  struct sigaction action = {.sa_handler = tell};
  CHECK(one != NULL && other != NULL && log != NULL && again != NULL && sigaction(SIGUSR1, &action, NULL) == 0);
  printf("ready\n");
  fflush(stdout);
  uint64_t rounds = compute(one, 0, log);
  CHECK(rounds > 0 && compute(other, rounds, again) == rounds);
  CHECK(one->mixed == other->mixed && one->slow == other->slow && one->fast == other->fast);
  CHECK(memcmp(one->memory, other->memory, SIZE) == 0);
  long size, same;
  char *first = contents(log, &size), *second = contents(again, &same);
  CHECK(size == same && size > 0 && memcmp(first, second, size) == 0);
  return done();
}
