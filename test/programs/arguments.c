/* Prints its argument count and every argument's length and beginning, then its stack limit. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
	struct rlimit stack;

	printf("%d\n", argc);
	for (int i = 0; i < argc; i++)
		printf("%zu %.20s\n", strlen(argv[i]), argv[i]);
	getrlimit(RLIMIT_STACK, &stack);
	printf("%lu\n", (unsigned long)stack.rlim_cur);
	return argc;
}
