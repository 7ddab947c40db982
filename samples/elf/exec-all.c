/*
 * An ELF program of the nineties has no PT_GNU_STACK, and expects what every program of its
 * time had: whatever can be read can be executed. For i386 Linux still keeps that promise
 * (personality READ_IMPLIES_EXEC, set by execve); this runs code in .data, on the stack and
 * in memory from brk, none of which any header of the file asks for.
 */
#include "../common/text.h"

/* mov $42, %eax; ret */
#define CODE { 0xb8, 42, 0, 0, 0, 0xc3 }
enum { CODE_SIZE = 6 };

static volatile unsigned char in_data[] = CODE;

static void run(const char *where, volatile unsigned char *code)
{
	int (*function)(void) = (int (*)(void))(unsigned long)code;
	char digits[24];
	put(1, "ran code ");
	put(1, where);
	put(1, ": ");
	put(1, number((unsigned long)function(), 10, digits));
	put(1, "\n");
}

int main(void)
{
	volatile unsigned char on_stack[] = CODE;
	volatile unsigned char *heap = (unsigned char *)system_call(SYS_brk, 0, 0, 0);

	system_call(SYS_brk, (long)(heap + 4096), 0, 0);
	for (int i = 0; i < CODE_SIZE; i++)
		heap[i] = in_data[i];
	run("in .data", in_data);
	run("on the stack", on_stack);
	run("on the heap", heap);
	return 0;
}
