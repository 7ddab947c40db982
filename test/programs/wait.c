/*
 * Fills memory of every kind a program has (data, bss, heap by brk, heap by mmap, thread-local) and then
 * waits on standard input, to be looked at. It fails if any of it is not as the language promises.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int data[1024] = { 1, 2, 3 };
static char bss[100000];
static __thread int own = 42;

int main(int argc, char **argv)
{
	char byte;
	char *small = malloc(1000), *large = malloc(1 << 20);

	if (!small || !large || data[2] != 3 || data[1023] != 0 || own != 42 || argc < 1 || !argv[0])
		return 3;
	for (size_t i = 0; i < sizeof bss; i++)
		if (bss[i] != 0)
			return 3;
	memset(small, 1, 1000);
	memset(large, 2, 1 << 20);
	bss[sizeof bss - 1] = small[999] + large[0];
	own = bss[sizeof bss - 1];
	while (read(0, &byte, 1) > 0)
		;
	free(large);
	free(small);
	return own == 3 ? 0 : 3;
}
