/*
 * Puts its process into an unusual state and executes argv[2] with the rest of the arguments: what execve hands
 * on (or resets) must come out the same, whoever starts the program. argv[1] names the state.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "unusual: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void ignore(int number)
{
	/* The C library keeps two signals for itself. */
	unsigned long action[4] = { (unsigned long)SIG_IGN, 0, 0, 0 };

	must(syscall(SYS_rt_sigaction, number, action, NULL, 8) == 0, "rt_sigaction");
}

static void signals(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGUSR2, SIGXFSZ, SIGTTOU, 32, 37, 64 };
	static const int blocked[] = { SIGUSR1, SIGTERM, SIGCHLD, SIGURG, 40, 41 };
	union sigval value = { .sival_int = 7 };
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < sizeof blocked / sizeof *blocked; i++)
		sigaddset(&set, blocked[i]);
	sigprocmask(SIG_SETMASK, &set, NULL);
	for (unsigned i = 0; i < sizeof ignored / sizeof *ignored; i++)
		ignore(ignored[i]);
	must(sigqueue(getpid(), SIGUSR1, value) == 0 && sigqueue(getpid(), 40, value) == 0, "sigqueue");
	value.sival_int = 8;
	must(sigqueue(getpid(), 40, value) == 0, "sigqueue");
	must(sigqueue(getpid(), SIGCHLD, value) == 0, "sigqueue");
}

static void sigchld_ignored(void)
{
	ignore(SIGCHLD);
}

static void limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limit = { soft, hard };

	must(setrlimit(resource, &limit) == 0, "setrlimit");
}

static void process(void)
{
	struct itimerval timer = { .it_value = { .tv_sec = 1000 } };
	cpu_set_t cpus;
	int fd;

	umask(027);
	must(nice(3) >= 0, "nice");
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	must(sched_setaffinity(0, sizeof cpus, &cpus) == 0, "sched_setaffinity");
	must(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6) == 0, "ioprio_set");
	must(prctl(PR_SET_TIMERSLACK, 123456) == 0, "PR_SET_TIMERSLACK");
	must(prctl(PR_SET_PDEATHSIG, SIGUSR2) == 0, "PR_SET_PDEATHSIG");
	must(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "PR_SET_CHILD_SUBREAPER");
	must(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0, "PR_SET_THP_DISABLE");
	must(prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0, "PR_SET_DUMPABLE");
	must(prctl(PR_SET_KEEPCAPS, 1) == 0, "PR_SET_KEEPCAPS");
	must(prctl(PR_SET_NAME, "odd \x01name") == 0, "PR_SET_NAME");
	must(setitimer(ITIMER_REAL, &timer, NULL) == 0 && setitimer(ITIMER_PROF, &timer, NULL) == 0, "setitimer");
	must(setpgid(0, 0) == 0, "setpgid");
	must(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }) == 0, "sched_setscheduler");
	fd = open("/proc/self/oom_score_adj", O_WRONLY);
	must(write(fd, "100", 3) == 3, "oom_score_adj");
	close(fd);
	fd = open("/proc/self/coredump_filter", O_WRONLY);
	must(write(fd, "0x7f", 4) == 4, "coredump_filter");
	close(fd);
	must(chdir("/proc/self") == 0 && chdir("/usr/share") == 0, "chdir");
}

static void limits(void)
{
	limit(RLIMIT_NOFILE, 64, 128);
	limit(RLIMIT_CORE, 4096, 8192);
	limit(RLIMIT_FSIZE, 1 << 30, 1 << 30);
	limit(RLIMIT_STACK, 300 << 10, 40 << 20);
	limit(RLIMIT_DATA, 1UL << 30, RLIM_INFINITY);
	limit(RLIMIT_MEMLOCK, 65536, 65536);
	limit(RLIMIT_SIGPENDING, 100, 100);
	limit(RLIMIT_CPU, 1000, 2000);
}

static void at(int fd, int wanted)
{
	must(fd >= 0 && dup2(fd, wanted) == wanted, "dup2");
	if (fd != wanted)
		close(fd);
}

static void descriptors(void)
{
	int pair[2];
	char path[] = "/tmp/unusual-XXXXXX";
	int file = mkstemp(path);

	must(file >= 0, "mkstemp");
	unlink(path);
	must(write(file, "0123456789", 10) == 10 && lseek(file, 4, SEEK_SET) == 4, "write");
	at(file, 12);
	must(fcntl(12, F_SETFL, O_APPEND) == 0, "O_APPEND");
	must(pipe2(pair, O_NONBLOCK) == 0, "pipe2");
	at(pair[0], 40);
	at(pair[1], 41);
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
	at(pair[0], 3);
	at(pair[1], 25);
	at(eventfd(3, 0), 200);
	at(open("/dev/zero", O_RDWR), 9);
	at(open("/usr", O_PATH | O_DIRECTORY), 10);
	must(fcntl(open("/dev/null", O_RDONLY | O_CLOEXEC), F_DUPFD_CLOEXEC, 20) == 20, "F_DUPFD_CLOEXEC");
	/* A lock of fcntl belongs to the process and goes when it closes any descriptor of the file. */
	must(fcntl(12, F_SETLK, &(struct flock){ .l_type = F_WRLCK }) == 0, "F_SETLK");
}

static void closed(void)
{
	close(0);
	close(2);
}

static void nonblocking(void)
{
	must(fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK) == 0, "O_NONBLOCK");
	must(fcntl(2, F_SETFL, fcntl(2, F_GETFL) | O_NONBLOCK) == 0, "O_NONBLOCK");
}

static void strings(void)
{
	static char big[120000];

	memset(big, 'x', sizeof big - 1);
	must(setenv("BIG", big, 1) == 0 && setenv("NODE_OPTIONS", "--bad", 1) == 0, "setenv");
	must(setenv("NODE_CHANNEL_FD", "3", 1) == 0 && setenv("OPENSSL_CONF", "/", 1) == 0, "setenv");
	must(putenv("no assignment") == 0, "putenv");
}

static void unlimited_stack(void)
{
	limit(RLIMIT_STACK, RLIM_INFINITY, RLIM_INFINITY);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*set)(void); } states[] = {
		{ "signals", signals }, { "SIGCHLD ignored", sigchld_ignored }, { "process", process },
		{ "limits", limits }, { "unlimited stack", unlimited_stack }, { "descriptors", descriptors },
		{ "closed", closed }, { "nonblocking", nonblocking }, { "strings", strings },
	};

	for (unsigned i = 0; argc > 2 && i < sizeof states / sizeof *states; i++) {
		if (strcmp(argv[1], states[i].name))
			continue;
		states[i].set();
		execv(argv[2], argv + 2);
		perror("unusual: execv");
		return 125;
	}
	fprintf(stderr, "unusual: no such state\n");
	return 125;
}
