/* The smallest program of a C library: its arguments, its name, a little arithmetic in floating point. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

int main(int argc, char **argv)
{
	int variables = 0;

	while (environ[variables])
		variables++;
	for (int i = 0; i < argc; i++)
		printf("%d %s\n", i, argv[i]);
	printf("%d variables, TZ=%s, %.3f\n", variables, getenv("TZ"), sqrt(argc));
	errno = ENOENT;
	perror("hello");
	return argc;
}
