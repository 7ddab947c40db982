/*
 * Runs a command with less than it could have: confine [OPTION]... COMMAND [ARGUMENT]...
 *   --deny-prctl      a seccomp filter answers EPERM to every prctl
 *   --no-mm-map       a seccomp filter answers EINVAL to PR_SET_MM_MAP and PR_SET_MM_MAP_SIZE, as a kernel
 *                     without them does
 *   --deny=NUMBER     a seccomp filter answers EPERM to this system call of x86-64
 *   --missing=NUMBER  the same with ENOSYS
 *   --mdwe            memory that was written may not become executable (PR_SET_MDWE, Linux 6.3)
 *   --drop=NUMBER     a capability less, also in what the command starts
 *   --data-limit=BYTES  RLIMIT_DATA, soft and hard
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* arch/x86/entry/syscalls: prctl of each mode. */
#define PRCTL_64 157
#define PRCTL_32 172
/* include/uapi/linux/prctl.h of Linux 6.3 */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#define MM_MAP 14
#define MM_MAP_SIZE 15

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define WHEN(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip, 0)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)
#define ERROR(errno) RETURN(SECCOMP_RET_ERRNO | errno)
/* Falls through for prctl; `end` is how far after the last line here the final ALLOW is. */
#define ONLY_PRCTL(end) \
	LOAD(arch), WHEN(AUDIT_ARCH_I386, 3), UNLESS(AUDIT_ARCH_X86_64, (end) + 4), LOAD(nr), \
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PRCTL_64, 2, (end) + 2), LOAD(nr), UNLESS(PRCTL_32, end)

static struct sock_filter deny_prctl[] = {ONLY_PRCTL(1), ERROR(EPERM), ALLOW};

static struct sock_filter no_mm_map[] = {
		ONLY_PRCTL(6), LOAD(args[0]), UNLESS(PR_SET_MM, 4), LOAD(args[1]),
		WHEN(MM_MAP, 1), UNLESS(MM_MAP_SIZE, 1), ERROR(EINVAL), ALLOW,
};

/* The number is filled in. */
static struct sock_filter deny_one[] = {
		LOAD(arch), UNLESS(AUDIT_ARCH_X86_64, 3), LOAD(nr), UNLESS(0, 1), ERROR(EPERM), ALLOW,
};

static void fail(const char *what) {
	fprintf(stderr, "confine: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void install(struct sock_filter *filter, unsigned short length) {
	struct sock_fprog program = {.len = length, .filter = filter};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0) return;
	/* Those without CAP_SYS_ADMIN must give up set-uid programs first. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) fail("seccomp");
}

int main(int argc, char **argv) {
	int at = 1, filter = 0;
	for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
		const char *value = strchr(argv[at], '=');
		if (strcmp(argv[at], "--deny-prctl") == 0) {
			filter = 'd';
		} else if (strcmp(argv[at], "--no-mm-map") == 0) {
			filter = 'm';
		} else if (strncmp(argv[at], "--deny=", 7) == 0 || strncmp(argv[at], "--missing=", 10) == 0) {
			deny_one[3].k = atoi(value + 1);
			if (argv[at][2] == 'm') deny_one[4].k = SECCOMP_RET_ERRNO | ENOSYS;
			filter = 'o';
		} else if (strcmp(argv[at], "--mdwe") == 0) {
			if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0) fail(argv[at]);
		} else if (strncmp(argv[at], "--drop=", 7) == 0) {
			if (prctl(PR_CAPBSET_DROP, atoi(value + 1), 0, 0, 0) != 0) fail(argv[at]);
		} else if (strncmp(argv[at], "--data-limit=", 13) == 0) {
			rlim_t bytes = strtoull(value + 1, NULL, 10);
			struct rlimit limit = {bytes, bytes};
			if (setrlimit(RLIMIT_DATA, &limit) != 0) fail(argv[at]);
		} else {
			errno = EINVAL;
			fail(argv[at]);
		}
	}
	if (filter == 'd') install(deny_prctl, sizeof deny_prctl / sizeof *deny_prctl);
	if (filter == 'm') install(no_mm_map, sizeof no_mm_map / sizeof *no_mm_map);
	if (filter == 'o') install(deny_one, sizeof deny_one / sizeof *deny_one);
	if (at < argc) execvp(argv[at], argv + at);
	fail("no command");
}
