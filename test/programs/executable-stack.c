/*
 * Takes the address of nested functions, for which gcc writes code to the stack: with -z execstack it runs there,
 * and the heap is executable or not as the kernel wants it. Built without, it dies of SIGSEGV.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The permissions of the mapping that /proc/self/maps names so. */
static void show(const char *name)
{
	char line[512], permissions[8];
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof line, maps))
		if (strstr(line, name) && sscanf(line, "%*s %7s", permissions) == 1)
			printf("%s %s\n", name, permissions);
	if (maps)
		fclose(maps);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int calls = 0, numbers[] = { 3, 1, 2 };

	int compare(const void *a, const void *b)
	{
		calls++;
		return *(const int *)a - *(const int *)b;
	}

	(void)argc, (void)argv;
	show("[stack]");
	show("[heap]");
	qsort(numbers, 3, sizeof *numbers, compare);
	printf("%d %d %d, %s\n", numbers[0], numbers[1], numbers[2], calls > 0 ? "compared on the stack" : "not compared");
	return 0;
}
