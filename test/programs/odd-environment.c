/*
 * Starts argv[1] with the rest of its arguments and an environment that is no clean list of assignments:
 * a name twice, a string without "=", one without a name, an empty one.
 */
#include <unistd.h>

int main(int argc, char **argv)
{
	char *environment[] = { "TWICE=first", "TWICE=second", "no assignment", "=nameless", "", "LAST=", 0 };

	if (argc > 1)
		execve(argv[1], argv + 1, environment);
	return 125;
}
