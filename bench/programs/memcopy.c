/* Copies so many MiB of touched memory to memory that is fresh, as a checkpoint's is, and says how many milliseconds it took. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  size_t size = strtoul(argv[1], NULL, 10) << 20;
  char *from = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *to = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (from == MAP_FAILED || to == MAP_FAILED) return 1;
  memset(from, 1, size);
  struct timespec began, ended;
  clock_gettime(CLOCK_MONOTONIC, &began);
  memcpy(to, from, size);
  clock_gettime(CLOCK_MONOTONIC, &ended);
  printf("%.3f\n", (ended.tv_sec - began.tv_sec) * 1e3 + (ended.tv_nsec - began.tv_nsec) / 1e6);
  return to[size - 1] == 1 ? 0 : 1;
}
