/*
 * starts one-cpu|any-cpu COUNT MILLISECONDS FILE ARGV0 [ARG...]: starts FILE again and again and waits for it, and prints how many
 * nanoseconds each start took, from posix_spawn to the return of waitpid. It ends after COUNT starts, or begins no other
 * when MILLISECONDS are over. FILE gets the environment and the descriptors from 3 on that this program got.
 * A start that fails ends everything.
 *
 * Where starts are short, a scheduler that moves the child to another processor, or not, makes a difference of
 * twice their time: one-cpu keeps both on one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Above all that the started program can be given. */
enum { LOWEST_OWN = 200 };

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void fail(const char *file, const char *what, int value)
{
	fprintf(stderr, "%s: %s %d\n", file, what, value);
	exit(1);
}

static long start(const char *file, char **argv)
{
	long began = now(), took;
	int status;
	pid_t child;
	int error = posix_spawn(&child, file, NULL, NULL, argv, environ);

	if (error)
		fail(file, strerror(error), error);
	if (waitpid(child, &status, 0) != child)
		fail(file, "is not to be waited for", child);
	took = now() - began;
	if (status)
		fail(file, "ended with the wait status", status);
	return took;
}

/* The last one allowed: the first has most of the machine's interrupts. */
static int stay_on_one_cpu(void)
{
	cpu_set_t set;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof set, &set))
		return -1;
	while (!CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof set, &set);
}

int main(int argc, char **argv)
{
	if (argc < 6 || (!strcmp(argv[1], "one-cpu") && stay_on_one_cpu()))
		return 2;
	int count = atoi(argv[2]), done = 0;
	long *took = calloc(count, sizeof *took), end = now() + atol(argv[3]) * 1000000L;
	const char *file = argv[4];
	FILE *out = fdopen(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, LOWEST_OWN), "w");
	int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (!took || !out || dup2(nothing, STDOUT_FILENO) < 0 || close(nothing) < 0)
		return 1;
	do
		took[done++] = start(file, argv + 5);
	while (done < count && now() < end);
	for (int i = 0; i < done; i++)
		fprintf(out, "%ld\n", took[i]);
	return fclose(out) ? 1 : 0;
}
