/* Spends its time in one function, for profilers to find. */
#include <stdio.h>

static volatile unsigned long sum;

__attribute__((noinline)) void hot(unsigned long times)
{
	for (unsigned long n = 0; n < times; n++)
		sum += n * n;
}

int main(void)
{
	hot(100000000);
	printf("%lu\n", sum);
	return 0;
}
