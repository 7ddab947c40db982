/* What a process is to others: its files in /proc, arguments, credentials, limits, scheduling, terminal. */
#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char buffer[1 << 18];

void probe_arguments(int argc, char **argv, char **envp)
{
	long size;

	fact("argv", "argc", "%d", argc);
	for (int i = 0; i < argc; i++)
		fact("argv", "", "%s", argv[i]);
	fact("argv", "contiguous, then NULL", "%d %d", argc == 0 || argv[argc - 1] >= argv[0], argv[argc] == NULL);
	for (; *envp; envp++)
		fact("environ", "", "%s", *envp);
	size = slurp("/proc/self/cmdline", buffer, sizeof buffer);
	fact_bytes("/proc/self/cmdline", "", buffer, size);
	size = slurp("/proc/self/environ", buffer, sizeof buffer);
	fact_bytes("/proc/self/environ", "", buffer, size);
}

static void whole_file(const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/%s", name);
	if (slurp(path, buffer, sizeof buffer) < 0) {
		fact(path, "", "errno %d", errno);
		return;
	}
	for (char *line = strtok(buffer, "\n"); line; line = strtok(NULL, "\n"))
		fact(path, "", "%s", line);
}

static void link_of(const char *name)
{
	char path[64];
	long size;

	snprintf(path, sizeof path, "/proc/self/%s", name);
	size = readlink(path, buffer, sizeof buffer);
	fact_bytes(path, "", buffer, size < 0 ? 0 : size);
}

/* Counters of memory in use and of time go on while the probe looks; those that may be compared are in probe_process. */
static int is_counter(const char *line)
{
	static const char *names[] = { "Pid:", "Tgid:", "Ngid:", "NStgid:", "NSpid:", "VmPeak:", "VmHWM:", "VmRSS:",
		"RssAnon:", "RssFile:", "VmPTE:", "SigQ:", "voluntary", "nonvoluntary",
		"State:", "HugetlbPages:", "VmSwap:", "RssShmem:", NULL };

	for (int i = 0; names[i]; i++)
		if (!strncmp(line, names[i], strlen(names[i])))
			return 1;
	return 0;
}

void probe_files(void)
{
	static const char *files[] = { "comm", "limits", "personality", "oom_score_adj", "timerslack_ns", "cgroup",
		"coredump_filter", "loginuid", "sessionid", "uid_map", "gid_map", "setgroups", "timers", NULL };
	static const char *links[] = { "exe", "cwd", "root", "ns/cgroup", "ns/ipc", "ns/mnt", "ns/net", "ns/pid",
		"ns/pid_for_children", "ns/time", "ns/time_for_children", "ns/user", "ns/uts", NULL };
	struct stat owner;
	int fd;

	for (int i = 0; files[i]; i++)
		whole_file(files[i]);
	for (int i = 0; links[i]; i++)
		link_of(links[i]);
	slurp("/proc/self/status", buffer, sizeof buffer);
	for (char *line = strtok(buffer, "\n"); line; line = strtok(NULL, "\n"))
		if (!is_counter(line))
			fact("/proc/self/status", "", "%s", line);
	stat("/proc/self/maps", &owner);
	fact("/proc/self", "owner", "%d %d", owner.st_uid, owner.st_gid);
	fd = open("/proc/self/exe", O_WRONLY);
	fact("/proc/self/exe", "opened for writing", "errno %d", fd < 0 ? errno : 0);
	if (fd >= 0)
		close(fd);
}

static void probe_prctl(void)
{
	static const struct { int option; const char *name; } integers[] = {
		{ PR_GET_DUMPABLE, "PR_GET_DUMPABLE" }, { PR_GET_KEEPCAPS, "PR_GET_KEEPCAPS" },
		{ PR_GET_SECCOMP, "PR_GET_SECCOMP" }, { PR_GET_SECUREBITS, "PR_GET_SECUREBITS" },
		{ PR_GET_TIMERSLACK, "PR_GET_TIMERSLACK" }, { PR_MCE_KILL_GET, "PR_MCE_KILL_GET" },
		{ PR_GET_NO_NEW_PRIVS, "PR_GET_NO_NEW_PRIVS" }, { PR_GET_THP_DISABLE, "PR_GET_THP_DISABLE" },
		{ PR_GET_IO_FLUSHER, "PR_GET_IO_FLUSHER" }, { 66, "PR_GET_MDWE" }, { 68, "PR_GET_MEMORY_MERGE" },
	};
	static const struct { int option; const char *name; } pointers[] = {
		{ PR_GET_PDEATHSIG, "PR_GET_PDEATHSIG" }, { PR_GET_TSC, "PR_GET_TSC" },
		{ PR_GET_CHILD_SUBREAPER, "PR_GET_CHILD_SUBREAPER" },
	};
	unsigned long long tid_address = 0;

	for (unsigned i = 0; i < sizeof integers / sizeof *integers; i++) {
		int result = prctl(integers[i].option, 0, 0, 0, 0);

		fact("prctl", integers[i].name, "%d", result < 0 ? -errno : result);
	}
	for (unsigned i = 0; i < sizeof pointers / sizeof *pointers; i++) {
		int value = -1, result = prctl(pointers[i].option, &value, 0, 0, 0);

		fact("prctl", pointers[i].name, "%d %d", result, value);
	}
	for (int capability = 0; capability <= 40; capability++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) == 1)
			fact("prctl", "PR_CAP_AMBIENT", "%d", capability);
	prctl(PR_GET_TID_ADDRESS, &tid_address, 0, 0, 0);
	fact("threads", "tid address", "%s", where(tid_address));
}

void probe_process(void)
{
	struct rusage children, own;
	struct itimerval timer;
	cpu_set_t cpus;
	int status;

	probe_prctl();
	fact("process", "umask", "%o", umask(0));
	fact("process", "cwd", "%s", getcwd(buffer, sizeof buffer) ? buffer : "none");
	fact("process", "nice", "%d", getpriority(PRIO_PROCESS, 0));
	fact("process", "ioprio", "%ld", syscall(SYS_ioprio_get, 1, 0));
	fact("process", "scheduler", "%d", sched_getscheduler(0));
	sched_getaffinity(0, sizeof cpus, &cpus);
	for (int cpu = 0; cpu < 8; cpu++)
		fact("process", "affinity", "%d", CPU_ISSET(cpu, &cpus));
	fact("process", "parent, group, session", "%d %d %d", getppid() == (getenv("PARENT") ? atoi(getenv("PARENT")) : 0),
	     getpgrp() == getpid(), getsid(0) == getpid());
	for (int which = 0; which < 3; which++) {
		getitimer(which, &timer);
		fact("process", "interval timer", "%d", timer.it_value.tv_sec > 500);
	}
	getrusage(RUSAGE_CHILDREN, &children);
	getrusage(RUSAGE_SELF, &own);
	fact("process", "usage of children", "%ld %ld %ld", children.ru_maxrss, children.ru_minflt,
	     children.ru_utime.tv_sec * 1000000L + children.ru_utime.tv_usec);
	fact("process", "ran for less than 0.2 s", "%d", own.ru_utime.tv_sec == 0 && own.ru_utime.tv_usec < 200000);
	fact("process", "peak memory below 16 MiB", "%d", own.ru_maxrss < 16384);
	status = waitpid(-1, NULL, WNOHANG | __WALL);
	fact("process", "children", "%d", status < 0 ? -errno : status);
}

void probe_terminal(void)
{
	struct termios modes;
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	fact("terminal", "controlling", "errno %d", terminal < 0 ? errno : 0);
	if (terminal < 0)
		return;
	fact("terminal", "in the foreground", "%d", tcgetpgrp(terminal) == getpgrp());
	tcgetattr(terminal, &modes);
	fact("terminal", "modes", "%x %x %x %x", modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag);
	fact_bytes("terminal", "characters", modes.c_cc, NCCS);
	close(terminal);
}
