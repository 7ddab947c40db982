/* What the probe looks at, in which order, and how it prints. */
#include "probe.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One write at the end: output must not depend on what standard output is. */
static char output[1 << 21];
static size_t used;

static void put(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size && used + 8 < sizeof output; i++) {
		unsigned char byte = bytes[i];

		if (isprint(byte) && byte != '\\')
			output[used++] = byte;
		else
			used += sprintf(output + used, "\\x%02x", byte);
	}
}

void fact_bytes(const char *observable, const char *detail, const void *bytes, size_t size)
{
	used += sprintf(output + used, "%s\t%s\t", observable, detail);
	put(bytes, size);
	output[used++] = '\n';
}

void fact(const char *observable, const char *detail, const char *format, ...)
{
	static char text[1 << 16];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	fact_bytes(observable, detail, text, strlen(text));
}

long slurp(const char *path, char *buffer, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	long count;

	if (fd < 0)
		return -1;
	while (size + 1 < room && (count = read(fd, buffer + size, room - 1 - size)) > 0)
		size += count;
	close(fd);
	buffer[size] = 0;
	return size;
}

int main(int argc, char **argv, char **envp)
{
	remember_maps();
	probe_descriptors();
	probe_signals();
	probe_maps();
	probe_stat();
	probe_auxv();
	probe_arguments(argc, argv, envp);
	probe_files();
	probe_process();
	probe_terminal();
	probe_threads();
	probe_brk();
	probe_stack();
	for (size_t done = 0; done < used;) {
		long count = write(STDOUT_FILENO, output + done, used - done);

		if (count < 0 && errno != EAGAIN)
			return 1;
		if (count > 0)
			done += count;
	}
	return 0;
}
