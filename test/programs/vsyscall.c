/*
 * Calls the vsyscall page, as programs linked against a libc of before 2012 do. Without a vsyscall page the program
 * dies of SIGSEGV. Its fixed address is above everything else: the page is the same in every process.
 */
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

int main(void)
{
	int (*gettimeofday_there)(struct timeval *, void *) = (void *)0xffffffffff600000;
	time_t (*time_there)(time_t *) = (void *)0xffffffffff600400;
	struct timeval there = { 0 }, here = { 0 };

	puts("calling");
	fflush(stdout);
	if (gettimeofday_there(&there, NULL) != 0 || gettimeofday(&here, NULL) != 0)
		return 1;
	if (here.tv_sec < there.tv_sec || here.tv_sec - there.tv_sec > 60 || time_there(NULL) < there.tv_sec)
		return 2;
	puts("the time is right");
	return 0;
}
