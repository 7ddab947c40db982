/* Signals, descriptors, and what the kernel keeps for threads. */
#define _GNU_SOURCE
#include "probe.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct sigaction of the system call: the C library hides some signals and flags. */
struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	unsigned long long mask;
};

void probe_signals(void)
{
	unsigned long long set = 0;
	struct timespec now = { 0, 0 };
	siginfo_t info;
	stack_t alternate;
	char detail[16];

	for (int number = 1; number <= 64; number++) {
		struct kernel_sigaction action;

		memset(&action, 0, sizeof action);
		syscall(SYS_rt_sigaction, number, NULL, &action, 8);
		snprintf(detail, sizeof detail, "%d", number);
		fact("signal actions", detail, "%s flags 0x%lx mask 0x%llx",
		     action.handler == SIG_DFL ? "default" : action.handler == SIG_IGN ? "ignored" : "handled",
		     action.flags, action.mask);
	}
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &set, 8);
	fact("signals", "mask", "0x%llx", set);
	syscall(SYS_rt_sigpending, &set, 8);
	fact("signals", "pending", "0x%llx", set);
	while (syscall(SYS_rt_sigtimedwait, &set, &info, &now, 8) > 0)
		fact("signals", "pending, with", "signal %d code %d from us %d value %d", info.si_signo, info.si_code,
		     info.si_pid == getpid(), info.si_value.sival_int);
	sigaltstack(NULL, &alternate);
	fact("signals", "alternate stack", "0x%x", alternate.ss_flags);
}

static void descriptor(int fd)
{
	static char text[4096];
	char path[64], name[16];
	long size;

	snprintf(name, sizeof name, "%d", fd);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	size = readlink(path, text, sizeof text);
	fact_bytes("descriptors", name, text, size < 0 ? 0 : size);
	fact("descriptors", name, "close-on-exec %d flags 0%o at %ld", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL),
	     (long)lseek(fd, 0, SEEK_CUR));
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	slurp(path, text, sizeof text);
	if (strstr(text, "lock:"))
		fact("descriptors", "locks", "%.24s", strstr(text, "lock:"));
}

void probe_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(directory))
			descriptor(fd);
	}
	closedir(directory);
}

void probe_threads(void)
{
	void *head = NULL;
	size_t length = 0;
	unsigned long value = 0;

	syscall(SYS_get_robust_list, 0, &head, &length);
	fact("threads", "robust list", "%s, length %zu", where((unsigned long)head), length);
	/* rseq(2): a second registration of another area is EINVAL or EBUSY when there is a first. */
	fact("threads", "rseq", "%ld", syscall(334, &value, 32, 1, 0) < 0 ? (long)-errno : 0L);
#ifdef __x86_64__
	/* ARCH_GET_FS, ARCH_GET_GS, ARCH_GET_CPUID, ARCH_GET_XCOMP_PERM */
	syscall(SYS_arch_prctl, 0x1003, &value);
	fact("threads", "fs base", "%s", where(value));
	syscall(SYS_arch_prctl, 0x1004, &value);
	fact("threads", "gs base", "0x%lx", value);
	fact("threads", "cpuid allowed", "%ld", syscall(SYS_arch_prctl, 0x1011, 0));
	syscall(SYS_arch_prctl, 0x1022, &value);
	fact("threads", "xsave permissions", "0x%lx", value);
#endif
	{
		unsigned int mxcsr;
		unsigned short control;

		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		__asm__ volatile("fnstcw %0" : "=m"(control));
		fact("registers", "mxcsr, x87 control word", "0x%x 0x%x", mxcsr, control);
	}
}
