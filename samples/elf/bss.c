/*
 * Is .bss zero? All of it: the whole pages, and the rest of the page in which .data ends.
 * In the file that rest is followed by 0xAA bytes (the section .filler is never loaded but
 * lies right behind .data), so a loader that maps the page and forgets to clear its tail
 * is caught. Then it writes to both ends, which must not fault.
 */
#include "../common/text.h"

#define BSS_SIZE (300UL * 1024 + 123) /* many pages, and not a whole number of them */

__asm__(".section .filler, \"\", @progbits\n\t.fill 4096, 1, 0xaa\n\t.previous");

static volatile unsigned char initialised[1000] = { [0] = 1, [999] = 2 };
static volatile unsigned char zero[BSS_SIZE];

int main(void)
{
	char digits[24];

	if (initialised[0] != 1 || initialised[500] != 0 || initialised[999] != 2) {
		put(1, "data is wrong\n");
		return 1;
	}
	for (unsigned long i = 0; i < BSS_SIZE; i++) {
		if (zero[i] != 0) {
			put(1, "bss is not zero at byte ");
			put(1, number(i, 10, digits));
			put(1, "\n");
			return 1;
		}
	}
	initialised[500] = zero[0] = zero[BSS_SIZE - 1] = 3;
	put(1, "data right, bss zero: ");
	put(1, number(BSS_SIZE, 10, digits));
	put(1, " bytes\n");
	return 0;
}
