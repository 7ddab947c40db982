/*
 * A program that others are not to know: bytes in its code, its constants, its data and nowhere else in the world, told by
 * their beginning. It says that it is there and waits on standard input; `crash` makes it end with a core, if it may.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What follows it tells where it lies. */
#define SECRET "\xd7\x1e\x9a\x43\xf0\x6b\x88\x25\xbc\x09\xe1\x5d\x72\xc6\x3f\x94"

static const volatile char constant[] = SECRET "constant";
static volatile char data[] = SECRET "data";
__asm__(".text\ntext: .ascii \"\\327\\036\\232\\103\\360\\153\\210\\045\\274\\011\\341\\135\\162\\306\\077\\224text\"\n");
extern const volatile char text[];

int main(int argc, char **argv)
{
	char byte;

	data[0] = constant[0] & text[0];
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	if (argc > 1 && strcmp(argv[1], "crash") == 0)
		abort();
	return 0;
}
