/* The smallest program of a C library. PAUSE makes one that stays to be looked at. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	puts("hello");
#ifdef PAUSE
	fflush(stdout);
	pause();
#endif
	return 0;
}
