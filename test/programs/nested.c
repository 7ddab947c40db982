/*
 * Something for debuggers to look at: a thread and the main program, each some calls deep in functions with
 * arguments, locals and a string, that wait until standard input ends. Says when it is ready.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

struct point {
	int x, y;
};

static struct point origin = { 7, -7 };
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static __attribute__((noinline)) int waits(struct point at, const char *why)
{
	char byte;
	int bytes = 0;

	puts(why);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		bytes++;
	return bytes + at.x;
}

static __attribute__((noinline)) int between(int depth, double share)
{
	struct point local = { depth, origin.x };

	if (depth > 0)
		return between(depth - 1, share / 2) + local.y;
	return waits(local, "ready");
}

static void *helper(void *argument)
{
	int own = *(int *)argument;

	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return own == 3 ? NULL : argument;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	void *result;
	int value = 3, sum;

	(void)argv;
	pthread_mutex_lock(&gate);
	if (pthread_create(&thread, NULL, helper, &value))
		return 1;
	/* The helper sleeps at the gate before anybody is told to look. */
	usleep(50000);
	sum = between(argc, 1.0);
	pthread_mutex_unlock(&gate);
	pthread_join(thread, &result);
	printf("%d\n", sum);
	return result != NULL;
}
