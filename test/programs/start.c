/*
 * execve without anything around it: no PATH, no shell for what is no program.
 *   start FILE ARGV0 ARG...   executes FILE with those arguments
 *   start FILE                executes FILE with no arguments at all, not even argv[0]
 * Only when execve refuses does it return: then the error's name is printed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	if (argc < 2)
		return 125;
	execve(argv[1], argv + 2, environ);
	printf("execve: %s\n", strerrorname_np(errno));
	return 125;
}
