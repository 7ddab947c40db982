/*
 * Puts itself under seccomp: a filter that answers one call with an errno, traps another into a handler and lets the
 * rest through; then strict mode in a child, which the kernel kills for a call it may not make.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER(call, action) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, action)

static void trapped(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	printf("trapped uname: %d, by seccomp: %d\n", info->si_syscall == SYS_uname, info->si_code == 1 /* SYS_SECCOMP */);
}

int main(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ANSWER(getppid, SECCOMP_RET_ERRNO | ENOTNAM),
		ANSWER(uname, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
	struct sigaction action = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO };
	int status;
	char name[512];

	printf("mode before: %d, no new privileges: %d\n", prctl(PR_GET_SECCOMP), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	fflush(stdout);
	if (fork() == 0) {
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		write(1, "strict\n", 7);
		syscall(SYS_getpid);
		write(1, "alive\n", 6);
	}
	wait(&status);
	printf("the child: %s\n", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "lives");
	sigaction(SIGSYS, &action, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 1;
	printf("getppid: %ld, %s\n", syscall(SYS_getppid), strerror(errno));
	syscall(SYS_uname, name);
	return 0;
}
