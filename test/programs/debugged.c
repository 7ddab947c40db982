/* For debuggers: names to stop at, a stack to walk, a thread's worth of output. Built with -g. */
#include <stdio.h>
#include <unistd.h>

int answer = 42;

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
  /* An argument is for those who attach: it waits in innermost. */
  int value = outer(argc > 1 && argv[1][0] == 'w' ? 100 : argc);
  printf("%d arguments, %d\n", argc - 1, value);
  return 3;
}
