/* Prints where things are: code, stack, heap, interpreter, vDSO and the random bytes of the first stack. */
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

int main(void)
{
	int local;
	unsigned long code = (unsigned long)&main, heap = (unsigned long)sbrk(0);

	printf("%lx %lx %lx %lx %lx %lx %lx\n", code, (unsigned long)&local, heap, heap - code, getauxval(AT_BASE),
	       getauxval(AT_SYSINFO_EHDR), getauxval(AT_RANDOM));
	return 0;
}
