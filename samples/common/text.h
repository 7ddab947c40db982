/*
 * The little text building the freestanding samples need. Strings go to a
 * descriptor at once: the callers are short and a message must not be lost.
 */
#ifndef SAMPLES_TEXT_H
#define SAMPLES_TEXT_H

#include "syscall.h"

static inline unsigned long length(const char *text)
{
	unsigned long size = 0;
	while (text[size] != '\0')
		size++;
	return size;
}

static inline int same(const char *one, const char *other)
{
	while (*one != '\0' && *one == *other)
		one++, other++;
	return *one == *other;
}

static inline void put(int fd, const char *text)
{
	write_all(fd, text, length(text));
}

/* `digits` has room for 64 bits in base 10 and the final NUL; returns the first digit. */
static inline char *number(unsigned long value, unsigned base, char digits[24])
{
	char *at = digits + 23;
	*at = '\0';
	do {
		unsigned digit = (unsigned)(value % base);
		*--at = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
		value /= base;
	} while (value != 0);
	return at;
}

#endif
