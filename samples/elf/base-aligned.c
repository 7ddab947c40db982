/*
 * A static PIE with a large p_align (ALIGN, set on the command line): the kernel chooses
 * its address, and must choose a multiple of ALIGN. The program looks where its first
 * byte came to lie. Linux 6.18 does this; older ones did so only for a PIE with an interpreter.
 */
#include "../common/text.h"

extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static volatile unsigned data_mark = 0x5e9; /* a second segment, ALIGN bytes further on */

int main(void)
{
	unsigned long base = (unsigned long)__ehdr_start;
	char digits[24];

	if (data_mark != 0x5e9)
		return 3;
	data_mark = 0;
	put(1, "base ");
	if (base % ALIGN != 0) {
		put(1, "0x");
		put(1, number(base, 16, digits));
		put(1, " not ");
	}
	put(1, "aligned to 0x");
	put(1, number(ALIGN, 16, digits));
	put(1, "\n");
	return base % ALIGN != 0;
}
