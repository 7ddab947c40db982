/* How far the stack grows: to RLIMIT_STACK and no further, also when the limit is raised at run time. */
#define _GNU_SOURCE
#include "probe.h"
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define STEP (64UL << 10)
#define MOST (48UL << 20)

static sigjmp_buf out;
static char other_stack[1 << 16];
static volatile unsigned long depth;

static void overflow(int number)
{
	(void)number;
	siglongjmp(out, 1);
}

__attribute__((noinline)) static void descend(unsigned long limit)
{
	volatile char frame[STEP];

	for (unsigned long at = 0; at < STEP; at += 1024)
		frame[at] = 1;
	depth += STEP;
	if (depth < limit)
		descend(limit);
	/* No tail call. */
	depth += frame[0] - 1;
}

/* Bytes until SIGSEGV, in steps, or the limit. */
static unsigned long reach(unsigned long limit)
{
	depth = 0;
	if (!sigsetjmp(out, 1))
		descend(limit);
	return depth;
}

void probe_stack(void)
{
	stack_t stack = { .ss_sp = other_stack, .ss_size = sizeof other_stack };
	struct sigaction action = { .sa_handler = overflow, .sa_flags = SA_ONSTACK };
	struct rlimit limit;

	getrlimit(RLIMIT_STACK, &limit);
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	fact("stack growth", "up to the limit", "%lu steps", reach(MOST) / STEP / 4);
	limit.rlim_cur = 2 * MOST;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_STACK, &limit);
	fact("stack growth", "with a raised limit", "%lu steps", reach(MOST) / STEP / 4);
}
