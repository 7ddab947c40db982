/*
 * Runs code on its stack, which PT_GNU_STACK with PF_X (ld -z execstack) allows: the
 * trampolines of GCC's nested functions do the same. Without the wish granted: SIGSEGV.
 */
#include "../common/text.h"

int main(void)
{
	/* mov $42, %eax; ret: the same bytes on i386 and x86_64. Volatile keeps them on the stack. */
	volatile unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	int (*function)(void) = (int (*)(void))(unsigned long)code;
	char digits[24];

	put(1, "ran code on the stack: ");
	put(1, number((unsigned long)function(), 10, digits));
	put(1, "\n");
	return 0;
}
