/* Coroutines: makecontext and swapcontext between stacks of its own, longjmp out of them, a signal in one of them. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

static ucontext_t scheduler, routines[3];
static jmp_buf out;
static volatile sig_atomic_t signals;

static void count(int number)
{
	(void)number;
	signals++;
}

static void routine(int own)
{
	for (int step = 0; step < 3; step++) {
		printf("routine %d, step %d, %.2f\n", own, step, own / (step + 1.0));
		raise(SIGUSR1);
		swapcontext(&routines[own], &scheduler);
	}
	if (own == 2)
		longjmp(out, 5);
}

static void make(int own)
{
	ucontext_t *made = &routines[own];

	getcontext(made);
	made->uc_stack.ss_sp = malloc(1 << 16);
	made->uc_stack.ss_size = 1 << 16;
	made->uc_link = &scheduler;
	makecontext(made, (void (*)(void))routine, 1, own);
}

/* Takes turns until the last routine is through. */
static void schedule(void)
{
	for (int own = 0; own < 3; own++)
		make(own);
	for (int turn = 0; turn < 12; turn++)
		swapcontext(&scheduler, &routines[turn % 3]);
}

int main(void)
{
	int how = setjmp(out);

	signal(SIGUSR1, count);
	if (how == 0)
		schedule();
	printf("left by %d after %d signals\n", how, (int)signals);
	return how;
}
