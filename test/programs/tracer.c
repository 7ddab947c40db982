/*
 * A small debugger: starts itself under ptrace, lets it run to a function of its own whose address it knows only
 * if the child is where a new program of the same file would be, reads and changes its registers and memory.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile long value = 1;

int main(void)
{
	struct user_regs_struct registers;
	int status, calls = 0;
	pid_t child = fork();

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		getppid();
		_exit(value == 42 ? 7 : 1);
	}
	waitpid(child, &status, 0);
	printf("stopped by %d, value %ld\n", WSTOPSIG(status), ptrace(PTRACE_PEEKDATA, child, &value, 0));
	ptrace(PTRACE_POKEDATA, child, &value, 42L);
	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
	while (ptrace(PTRACE_SYSCALL, child, 0, 0) == 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		ptrace(PTRACE_GETREGS, child, 0, &registers);
		printf("call %llu, segments %llx %llx\n", registers.orig_rax, registers.cs, registers.ss);
		calls++;
	}
	printf("%d stops, exit %d\n", calls, WEXITSTATUS(status));
	return 0;
}
