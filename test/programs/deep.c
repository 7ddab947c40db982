/*
 * Recurses until the stack is full, on the main thread, where the kernel lets it grow to its limit, and catches the
 * SIGSEGV on another stack. Prints how deep it came, in steps that the place of the stack does not change.
 */
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static sigjmp_buf out;
static volatile long depth;
static char *volatile top;

static void overflow(int number, siginfo_t *info, void *context)
{
	char here;

	(void)number, (void)context;
	printf("%s at the end of the stack: %d; on the other stack: %d\n", info->si_code == SEGV_MAPERR ? "unmapped" : "refused",
	       (char *)info->si_addr < top, labs(&here - top) > 1 << 20);
	siglongjmp(out, 1);
}

static __attribute__((noinline)) int recurse(int value)
{
	volatile char frame[4096];

	memset((void *)frame, value, sizeof frame);
	if (++depth == LONG_MAX)
		return 0;
	return recurse(value + 1) + frame[value & 4095];
}

int main(void)
{
	char here;
	struct rlimit limit;
	struct sigaction action = { .sa_sigaction = overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t other = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };

	top = &here;
	getrlimit(RLIMIT_STACK, &limit);
	if (!other.ss_sp || sigaltstack(&other, NULL) || sigaction(SIGSEGV, &action, NULL))
		return 1;
	for (int times = 0; times < 3; times++) {
		depth = 0;
		if (!sigsetjmp(out, 1))
			recurse(0);
		printf("limit %ld KiB, depth %ld/16 of it\n", (long)limit.rlim_cur >> 10, (depth * 4200 * 16 + limit.rlim_cur / 2) / (long)limit.rlim_cur);
	}
	return 0;
}
