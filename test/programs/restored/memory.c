/* Mappings of all kinds, with what madvise(2) and mprotect(2) have made of them, and a heap that grows. */
#include "said.h"
#include <sys/prctl.h>

#define MiB (1UL << 20)
#define PAGE 4096UL

static char data[3 * PAGE] = "data";
static char bss[5 * PAGE];

static char *map(size_t size, int protection, int flags, int fd) {
  char *at = mmap(NULL, size, protection, flags, fd, 0);
  CHECK(at != MAP_FAILED);
  return at;
}

int main(void) {
  prepare();
  char *read_only = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  strcpy(read_only + PAGE, "read only");
  CHECK(mprotect(read_only, 4 * PAGE, PROT_READ) == 0);
  char *none = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  strcpy(none + 2 * PAGE, "not to be read");
  CHECK(mprotect(none, 4 * PAGE, PROT_NONE) == 0);
  char *code = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  memcpy(code, "\xb8\x2a\x00\x00\x00\xc3", 6);
  CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
  char *huge = map(1UL << 40, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
  strcpy(huge + (1UL << 39), "in the middle");
  char *large = map(40 * MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  for (size_t at = 0; at < 40 * MiB; at += PAGE) *(size_t *)(large + at) = at ^ 0x5555;
  CHECK(madvise(large + 8 * MiB, 8 * MiB, MADV_DONTNEED) == 0);

  int file = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
  CHECK(ftruncate(file, 8 * PAGE) == 0 && pwrite(file, "in the file", 12, PAGE) == 12);
  char *shared = map(8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
  char *private = map(8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
  strcpy(private + 3 * PAGE, "written to");
  char *anonymous = map(2 * MiB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
  strcpy(anonymous, "first");
  strcpy(anonymous + MiB, "second");
  CHECK(munmap(anonymous + 4 * PAGE, PAGE) == 0 && mprotect(anonymous + MiB, PAGE, PROT_READ) == 0);
  int memory = memfd_create("both", 0);
  CHECK(ftruncate(memory, 2 * PAGE) == 0);
  char *one = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory);
  char *other = map(2 * PAGE, PROT_READ, MAP_SHARED, memory);
  char *own = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, memory);
  strcpy(one, "seen by both");
  strcpy(own + PAGE, "seen by one");
  close(memory);

  char *advised = map(16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  CHECK(madvise(advised, 4 * PAGE, MADV_DONTDUMP) == 0 && madvise(advised + 4 * PAGE, PAGE, MADV_DONTFORK) == 0);
  CHECK(madvise(advised + 5 * PAGE, PAGE, MADV_WIPEONFORK) == 0 && madvise(advised + 6 * PAGE, PAGE, MADV_SEQUENTIAL) == 0);
  CHECK(mlock(advised + 8 * PAGE, PAGE) == 0);
  prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, advised + 10 * PAGE, PAGE, "a name");
  char *grows = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
  CHECK(grows != MAP_FAILED);
  strcpy(grows + 8 * PAGE, "grows");
  char *heap = sbrk(0);
  CHECK(sbrk(3 * PAGE) == heap);
  strcpy(heap + PAGE, "heap");
  bss[4 * PAGE] = 7;
  data[2 * PAGE] = 9;

  ready();

  CHECK(strcmp(read_only + PAGE, "read only") == 0 && read_only[0] == 0);
  CHECK(mprotect(none, 4 * PAGE, PROT_READ) == 0 && strcmp(none + 2 * PAGE, "not to be read") == 0);
  CHECK(((int (*)(void))code)() == 42);
  CHECK(strcmp(huge + (1UL << 39), "in the middle") == 0 && huge[12345] == 0);
  for (size_t at = 0; at < 40 * MiB; at += PAGE) {
    size_t wanted = at >= 8 * MiB && at < 16 * MiB ? 0 : at ^ 0x5555;
    CHECK(*(size_t *)(large + at) == wanted);
  }
  CHECK(madvise(large, 8 * MiB, MADV_DONTNEED) == 0 && large[PAGE] == 0);
  CHECK(strcmp(shared + PAGE, "in the file") == 0 && strcmp(private + PAGE, "in the file") == 0);
  strcpy(shared + PAGE, "changed");
  char buffer[16];
  CHECK(pread(file, buffer, 8, PAGE) == 8 && strcmp(buffer, "changed") == 0 && strcmp(private + PAGE, "changed") == 0);
  CHECK(strcmp(private + 3 * PAGE, "written to") == 0 && shared[3 * PAGE] == 0);
  CHECK(strcmp(anonymous, "first") == 0 && strcmp(anonymous + MiB, "second") == 0);
  CHECK(mincore(anonymous + 4 * PAGE, PAGE, (unsigned char *)buffer) == -1 && errno == ENOMEM);
  CHECK(strcmp(other, "seen by both") == 0 && strcmp(own + PAGE, "seen by one") == 0 && one[PAGE] == 0);
  strcpy(one + 100, "again");
  CHECK(strcmp(other + 100, "again") == 0);
  CHECK(strcmp(grows + 8 * PAGE, "grows") == 0 && sbrk(0) == heap + 3 * PAGE && strcmp(heap + PAGE, "heap") == 0);
  CHECK(sbrk(16 * PAGE) == heap + 3 * PAGE && heap[10 * PAGE] == 0);
  CHECK(bss[4 * PAGE] == 7 && data[2 * PAGE] == 9 && strcmp(data, "data") == 0);
  char *more = malloc(64 * MiB);
  memset(more, 1, 64 * MiB);
  return done();
}
