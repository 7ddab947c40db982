/*
 * spy PID SECRET [SECONDS]: tries every way Linux has to look into another process, and prints one line for each, `NAME: ` and
 * what came of it: the name of an error, `open`, or `SECRET` where the bytes (given in hexadecimal) were found. With
 * SECONDS it tries again and again until then, or until the process is gone, and prints only what found the secret.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

static unsigned char secret[64];
static size_t secret_size;
static int pid, quiet;
static unsigned char piece[PIECE];

static void say(const char *name, const char *what)
{
	if (quiet && strcmp(what, "SECRET") != 0)
		return;
	printf("%s: %s\n", name, what);
	fflush(stdout);
}

static int found(const void *bytes, ssize_t size)
{
	return size > 0 && memmem(bytes, size, secret, secret_size) != NULL;
}

/* Reads the beginning of a file; one that can be opened and read says `open`. */
static void try_file(const char *name, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	ssize_t size = -1;

	/* A pagemap has no end. */
	for (int pieces = 0; fd >= 0 && pieces < 8; pieces++) {
		size = read(fd, piece, sizeof piece);
		if (size <= 0 || found(piece, size))
			break;
		size = 0;
	}
	say(name, size > 0 ? "SECRET" : fd < 0 || size < 0 ? strerrorname_np(errno) : "open");
	close(fd);
}

/* Every entry of a directory whose entries stand for files. */
static void try_directory(const char *name)
{
	char path[600];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	directory = opendir(path);
	if (!directory) {
		say(name, strerrorname_np(errno));
		return;
	}
	/* Numbers that were open a moment ago, too. */
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/%s/%s", pid, name, entry->d_name);
		try_file(name, path);
	}
	closedir(directory);
}

static void try_memory(void)
{
	char path[64], line[4096], protection[8];
	unsigned long start, end;
	FILE *maps;
	int memory;
	const char *read_by_file = "nothing", *read_by_call = "nothing";

	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	say("maps", maps ? "open" : strerrorname_np(errno));
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY);
	if (memory < 0)
		read_by_file = strerrorname_np(errno);
	/* Where programs without position-independent code are, when maps does not say it. */
	start = 0x400000, end = 0x600000;
	do {
		if (maps && (!fgets(line, sizeof line, maps) || sscanf(line, "%lx-%lx %7s", &start, &end, protection) != 3))
			break;
		if (end - start > 64UL << 20 || start >= 1UL << 47)
			continue;
		for (unsigned long at = start; at < end; at += PIECE) {
			size_t size = end - at < PIECE ? end - at : PIECE;
			struct iovec mine = { piece, size }, theirs = { (void *)at, size };

			if (memory >= 0 && found(piece, pread(memory, piece, size, at)))
				read_by_file = "SECRET";
			memset(piece, 0, sizeof piece);
			ssize_t count = process_vm_readv(pid, &mine, 1, &theirs, 1, 0);
			if (found(piece, count))
				read_by_call = "SECRET";
			else if (count < 0 && errno != EFAULT && strcmp(read_by_call, "SECRET") != 0)
				read_by_call = strerrorname_np(errno);
			memset(piece, 0, sizeof piece);
		}
	} while (maps);
	say("mem", read_by_file);
	say("process_vm_readv", read_by_call);
	if (maps)
		fclose(maps);
	close(memory);
}

static void try_all(void)
{
	static const char *const files[] = { "environ", "auxv", "pagemap", "smaps", "syscall", "stack", "cmdline", "exe" };
	char path[64];
	int fd, copy;

	try_memory();
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
		try_file(files[i], path);
	}
	try_directory("fd");
	try_directory("map_files");
	snprintf(path, sizeof path, "/proc/%d/cwd", pid);
	say("cwd", readlink(path, (char *)piece, sizeof piece) < 0 ? strerrorname_np(errno) : "open");
	fd = syscall(SYS_pidfd_open, pid, 0);
	for (int number = 0; number < 32; number++) {
		copy = syscall(SYS_pidfd_getfd, fd, number, 0);
		if (copy >= 0) {
			snprintf(path, sizeof path, "/proc/self/fd/%d", copy);
			try_file("pidfd_getfd", path);
			close(copy);
		} else if (number == 0 || errno != EBADF) {
			if (number == 0)
				say("pidfd_getfd", strerrorname_np(errno));
		}
	}
	close(fd);
	if (quiet)
		return;
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
		say("ptrace", "open");
		ptrace(PTRACE_DETACH, pid, 0, 0);
	} else
		say("ptrace", strerrorname_np(errno));
}

int main(int argc, char **argv)
{
	time_t end;

	if (argc < 3)
		return 2;
	pid = atoi(argv[1]);
	for (const char *hex = argv[2]; hex[0] && hex[1] && secret_size < sizeof secret; hex += 2)
		sscanf(hex, "%2hhx", &secret[secret_size++]);
	if (argc == 3) {
		try_all();
		return 0;
	}
	quiet = 1;
	end = time(NULL) + atoi(argv[3]);
	while (time(NULL) < end && kill(pid, 0) == 0)
		try_all();
	return 0;
}
