/* Computes and looks at the clock, both kept in registers and memory, until a file is there: moving FILE. musl asks the vDSO. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  double sum = 0, term = 1;
  unsigned long rounds = 0, hash = 14695981039346656037u;
  struct timespec now, last = {0, 0};
  char *memory = malloc(100000);
  for (int at = 0; at < 100000; at++) memory[at] = (char)(at * 7);
  puts("ready");
  fflush(stdout);
  do {
    sum += term;
    term *= 0.5;
    hash = (hash ^ (unsigned char)memory[rounds % 100000]) * 1099511628211u;
    rounds++;
    if (clock_gettime(CLOCK_REALTIME, &now)) return 3;
    // Machines need not agree on the time, but a clock goes on.
    if (now.tv_sec < last.tv_sec - 100000) return 4;
    last = now;
    usleep(1000);
  } while (access(argv[1], F_OK));
  unsigned long again = 14695981039346656037u;
  for (unsigned long round = 0; round < rounds; round++)
    again = (again ^ (unsigned char)(char)(round % 100000 * 7)) * 1099511628211u;
  printf("went on: %s %.6f\n", again == hash ? "right" : "wrong", sum);
  return again == hash ? 5 : 6;
}
