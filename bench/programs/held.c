/* Touches so many MiB, starts so many threads, and stays until a file is there: held MIB THREADS FILE */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *stay(void *unused) {
  (void)unused;
  for (;;) pause();
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  size_t size = strtoul(argv[1], NULL, 10) << 20;
  char *memory = malloc(size + 1);
  for (size_t at = 0; at < size; at += 4096) memory[at] = (char)(at >> 12) + 1;
  for (long thread = atol(argv[2]); thread > 0; thread--) {
    pthread_t id;
    if (pthread_create(&id, NULL, stay, NULL)) return 1;
  }
  puts("ready");
  fflush(stdout);
  while (access(argv[3], F_OK)) usleep(100);
  _exit(0);
}
