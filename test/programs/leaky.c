/* Has the faults a memory checker is for: a read past a block, a use of what was never set, and a leak. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char *volatile block = malloc(10);
	volatile int unset[2], sum = 0;

	unset[0] = 1;
	sum += block[10];
	if (unset[1] > sum)
		puts("by chance");
	block = malloc(20);
	printf("done\n");
	return 0;
}
