/*
 * Reads the name of /proc/self/exe, executes it with one argument more until there are three, and compares what runs
 * with the file of that name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char name[4096] = "";
	char *again[] = { "again", "1", argc > 1 ? "2" : NULL, argc > 2 ? "3" : NULL, NULL };
	struct stat running, named;

	if (readlink("/proc/self/exe", name, sizeof name - 1) < 0 || stat("/proc/self/exe", &running) || stat(name, &named))
		return 1;
	printf("%s as %s, %d arguments, the same file: %d\n", name, argv[0], argc - 1,
	       running.st_ino == named.st_ino && running.st_dev == named.st_dev);
	fflush(stdout);
	if (argc > 3)
		return 6;
	execv("/proc/self/exe", again);
	perror("again");
	return 1;
}
