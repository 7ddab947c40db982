/* Descriptors of all kinds that a process can have for itself, with what they share. */
#include "said.h"
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

static uint64_t number(int fd) {
  uint64_t value = 0;
  CHECK(read(fd, &value, 8) == 8);
  return value;
}

static int locked(int fd, off_t at) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
  CHECK(fcntl(fd, F_OFD_GETLK, &lock) == 0);
  return lock.l_type != F_UNLCK;
}

int main(void) {
  prepare();
  int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
  CHECK(write(file, "0123456789", 10) == 10 && lseek(file, 4, SEEK_SET) == 4);
  CHECK(dup2(file, 77) == 77 && fcntl(77, F_SETFD, FD_CLOEXEC) == 0);
  int again = open("file", O_RDONLY);
  int append = open("append", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
  CHECK(write(append, "one ", 4) == 4);
  int gone = open("gone", O_RDWR | O_CREAT | O_TRUNC, 0640);
  CHECK(write(gone, "deleted", 7) == 7 && unlink("gone") == 0);
  int directory = open("/", O_RDONLY | O_DIRECTORY);
  int null = open("/dev/null", O_WRONLY);
  int zero = open("/dev/zero", O_RDONLY);
  int by_path = open("file", O_PATH);

  int ends[2], full[2];
  CHECK(pipe(ends) == 0 && write(ends[1], "in the pipe", 11) == 11);
  CHECK(pipe2(full, O_NONBLOCK) == 0 && fcntl(full[1], F_SETPIPE_SZ, 1 << 18) >= 1 << 18);
  char *filling = malloc(200000);
  for (int i = 0; i < 200000; i++) filling[i] = (char)(i % 251);
  CHECK(write(full[1], filling, 200000) == 200000);
  CHECK(fcntl(full[0], F_SETFL, 0) == 0);
  int event = eventfd(3, EFD_SEMAPHORE), large = eventfd(0, EFD_NONBLOCK);
  uint64_t count = 1ULL << 40;
  CHECK(write(large, &count, 8) == 8);
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR2);
  CHECK(sigprocmask(SIG_BLOCK, &wanted, NULL) == 0);
  int signals = signalfd(-1, &wanted, SFD_NONBLOCK);
  CHECK(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 4711}) == 0);
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), late = timerfd_create(CLOCK_REALTIME, 0);
  struct itimerspec soon = {.it_value = {0, 1000}}, far = {{5, 0}, {100000, 0}};
  CHECK(timerfd_settime(timer, 0, &soon, NULL) == 0 && timerfd_settime(late, 0, &far, NULL) == 0);
  int memory = memfd_create("sealed", MFD_ALLOW_SEALING);
  CHECK(write(memory, "memory", 6) == 6 && fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW) == 0);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event watch = {EPOLLIN, {.u64 = 0x1122334455667788}}, edge = {EPOLLIN | EPOLLET, {.u32 = 5}};
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &watch) == 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, late, &edge) == 0);
  CHECK(flock(append, LOCK_EX) == 0);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
  CHECK(fcntl(file, F_SETLK, &lock) == 0);
  struct flock ofd = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 0};
  CHECK(fcntl(file, F_OFD_SETLK, &ofd) == 0);
  close(0);
  usleep(1000);

  ready();

  CHECK(fcntl(0, F_GETFD) == -1);
  char text[32] = "";
  CHECK(read(file, text, 2) == 2 && memcmp(text, "45", 2) == 0 && lseek(77, 0, SEEK_CUR) == 6);
  CHECK(lseek(again, 0, SEEK_CUR) == 0 && (fcntl(again, F_GETFL) & O_ACCMODE) == O_RDONLY);
  CHECK(fcntl(77, F_GETFD) == FD_CLOEXEC && fcntl(file, F_GETFD) == 0);
  CHECK(write(append, "two", 3) == 3 && (fcntl(append, F_GETFL) & O_APPEND) != 0);
  struct stat stat;
  CHECK(pread(gone, text, 7, 0) == 7 && memcmp(text, "deleted", 7) == 0 && lseek(gone, 0, SEEK_CUR) == 7);
  CHECK(fstat(gone, &stat) == 0 && stat.st_nlink == 0 && (stat.st_mode & 07777) == 0640);
  CHECK(fdopendir(directory) != NULL && write(null, "x", 1) == 1 && read(zero, text, 1) == 1 && text[0] == 0);
  CHECK((fcntl(by_path, F_GETFL) & O_PATH) != 0);
  CHECK(read(ends[0], text, sizeof text) == 11 && memcmp(text, "in the pipe", 11) == 0);
  CHECK((fcntl(full[0], F_GETFL) & O_NONBLOCK) == 0 && (fcntl(full[1], F_GETFL) & O_NONBLOCK) != 0);
  CHECK(fcntl(full[0], F_GETPIPE_SZ) >= 1 << 18);
  char *got = malloc(200000);
  for (int at = 0; at < 200000;) {
    ssize_t part = read(full[0], got + at, 200000 - at);
    CHECK(part > 0);
    at += part;
  }
  CHECK(memcmp(got, filling, 200000) == 0);
  struct epoll_event found;
  CHECK(epoll_wait(epoll, &found, 1, 0) == 1 && found.data.u64 == 0x1122334455667788);
  CHECK(number(event) == 1 && number(event) == 1 && number(event) == 1 && number(large) == 1ULL << 40);
  struct signalfd_siginfo info;
  CHECK(read(signals, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR2 && info.ssi_int == 4711);
  CHECK(number(timer) == 1);
  struct itimerspec left;
  CHECK(timerfd_gettime(late, &left) == 0 && left.it_interval.tv_sec == 5 && left.it_value.tv_sec > 90000);
  CHECK(pread(memory, text, 6, 0) == 6 && memcmp(text, "memory", 6) == 0);
  CHECK(fcntl(memory, F_GET_SEALS) == (F_SEAL_WRITE | F_SEAL_GROW) && write(memory, "x", 1) == -1 && errno == EPERM);
  int other = open("append", O_RDONLY);
  CHECK(flock(other, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
  CHECK(locked(again, 3) && !locked(again, 6) && locked(again, 100));
  return done();
}
