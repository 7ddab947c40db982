/*
 * System calls without a libc, for the two ABIs the samples are built for:
 * `syscall` on x86_64, `int $0x80` on i386 (all that Linux had in the nineties,
 * and what every a.out program uses). A result in -4095..-1 is -errno.
 */
#ifndef SAMPLES_SYSCALL_H
#define SAMPLES_SYSCALL_H

#if defined(__x86_64__)

enum { SYS_read = 0, SYS_write = 1, SYS_open = 2, SYS_close = 3, SYS_brk = 12 };

static inline long system_call(long number, long a, long b, long c)
{
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__i386__)

enum { SYS_read = 3, SYS_write = 4, SYS_open = 5, SYS_close = 6, SYS_brk = 45 };

static inline long system_call(long number, long a, long b, long c)
{
	long result;
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory");
	return result;
}

#else
#error "the samples know x86_64 and i386 only"
#endif

static inline int failed(long result)
{
	return (unsigned long)result >= (unsigned long)-4095L;
}

/* Writes all of it: a pipe may take less than it was given. */
static inline void write_all(int fd, const char *bytes, unsigned long size)
{
	while (size > 0) {
		long written = system_call(SYS_write, fd, (long)bytes, (long)size);
		if (failed(written) || written == 0)
			return;
		bytes += written;
		size -= (unsigned long)written;
	}
}

#endif
