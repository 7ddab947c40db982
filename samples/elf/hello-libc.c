/*
 * hello for the dynamic samples: an ordinary C program, and one that would notice a
 * start-up that went wrong. It uses what the dynamic linker and libc prepare: a
 * constructor, thread-local storage, the heap, the environment, atexit, buffered stdio.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int constructed;
static __thread int per_thread = 7;
static int *relocated = &constructed; /* a PIE must have this pointer relocated */

__attribute__((constructor)) static void construct(void)
{
	*relocated = 1;
}

static void goodbye(void)
{
	printf("goodbye\n");
}

int main(void)
{
	const char *label = getenv("HELLO_LABEL");
	char *copy = strdup(MESSAGE);
	if (!constructed || per_thread != 7 || !copy || atexit(goodbye) != 0)
		return 3;
	printf("%shello from %s\n", label ? label : "", copy);
	free(copy);
	return 0;
}
