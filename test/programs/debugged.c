/*
 * For debuggers and profilers: names to stop at, a stack to walk. Built with -g. `waits` waits in innermost, `busy` works
 * in busiest and says so, for those who attach.
 */
#include <stdio.h>
#include <unistd.h>

int answer = 42;
volatile unsigned long sum;

__attribute__((noinline)) void busiest(void) {
  for (int i = 0; i < 1000000; i++) sum += i;
}

__attribute__((noinline)) int innermost(int value) {
  answer += value;
  if (value > 100) {
    puts("waiting");
    fflush(stdout);
    pause();
  }
  return answer;
}

__attribute__((noinline)) int outer(int value) { return innermost(value + 1) + 1; }

int main(int argc, char **argv) {
  char first = argc > 1 ? argv[1][0] : 0;
  while (first == 'b') {
    busiest();
    puts("busy");
    fflush(stdout);
  }
  int value = outer(first == 'w' ? 100 : argc);
  printf("%d arguments, %d\n", argc - 1, value);
  return 3;
}
