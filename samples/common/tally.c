/*
 * tally [-e NAME] [FILE...]: counts lines, words and bytes.
 *
 * The sample that does real work, one source for every format: it reads its
 * arguments and environment, opens files, keeps each input whole in memory it
 * gets from brk, writes to .data and .bss, and fails in the ways programs fail.
 *
 *   -e NAME       first print the value of the environment variable NAME
 *   TALLY_LABEL   if set, each line of output starts with it and ": "
 *   FILE          "-" is standard input, as is no FILE at all
 *
 * Messages start with the last part of argv[0]. Status: 0, 1 something could not
 * be read or is not set, 2 wrong usage, 3 the image itself is not in order.
 */
#include "text.h"

/* Samples with a large .bss end above 64 KiB, where every kernel lets brk start. */
#ifndef OUTPUT_SIZE
#define OUTPUT_SIZE 2048
#endif

#define CHUNK 8192UL  /* bytes: one read */
#define STEP 20480UL  /* bytes: one growth by brk; not a power of two on purpose */
#define DATA_MARK 0x7a11e5U

enum { OK = 0, FAILED = 1, USAGE = 2, DAMAGED = 3 };

static char program[64] = "tally";                /* .data, overwritten from argv[0] */
static volatile unsigned data_mark = DATA_MARK;   /* .data, checked, then overwritten */
static char output[OUTPUT_SIZE];                  /* .bss */
static unsigned long output_used;                 /* .bss */

struct count {
	unsigned long lines, words, bytes;
};

/* The memory between the first program break and the current one. */
struct buffer {
	char *start, *end;
	unsigned long used;
};

static void flush(void)
{
	write_all(1, output, output_used);
	output_used = 0;
}

static void print(const char *text)
{
	for (; *text != '\0'; text++) {
		if (output_used == OUTPUT_SIZE)
			flush();
		output[output_used++] = *text;
	}
}

static void complain(const char *subject, const char *what)
{
	flush();
	put(2, program);
	put(2, ": ");
	if (subject) {
		put(2, subject);
		put(2, ": ");
	}
	put(2, what);
}

static void complain_errno(const char *subject, const char *what, long result)
{
	char digits[24];
	complain(subject, what);
	put(2, " (errno ");
	put(2, number((unsigned long)-result, 10, digits));
	put(2, ")\n");
}

static int usage(void)
{
	flush();
	put(2, "usage: ");
	put(2, program);
	put(2, " [-e NAME] [FILE...]\n");
	return USAGE;
}

/* The last part of argv[0], as the shell's user knows the program. */
static void set_program_name(const char *argv0)
{
	const char *name = argv0;
	unsigned long i;
	for (const char *at = argv0; *at != '\0'; at++)
		if (*at == '/')
			name = at + 1;
	for (i = 0; i + 1 < sizeof program && name[i] != '\0'; i++)
		program[i] = name[i];
	program[i] = '\0';
}

static const char *environment(char **envp, const char *name)
{
	unsigned long size = length(name);
	for (; *envp; envp++) {
		unsigned long i = 0;
		while (i < size && (*envp)[i] == name[i])
			i++;
		if (i == size && (*envp)[i] == '=')
			return *envp + size + 1;
	}
	return 0;
}

/*
 * Was the image loaded as the file says? .data must hold its values, every byte of
 * .bss must be zero (the rest of the last data page is the part loaders forget), and
 * both must be writable. Volatile, or the compiler would answer without looking.
 */
static int image_is_in_order(void)
{
	const volatile char *byte = output;
	if (data_mark != DATA_MARK || output_used != 0)
		return 0;
	for (unsigned long i = 0; i < OUTPUT_SIZE; i++)
		if (byte[i] != 0)
			return 0;
	data_mark = 0;
	return data_mark == 0;
}

#ifdef AOUT
extern char _end[];

/* In a.out the heap starts where .bss ends; old libcs computed it from _end, never asking. */
static int brk_is_in_order(void)
{
	return (unsigned long)system_call(SYS_brk, 0, 0, 0) >= (unsigned long)_end;
}
#else
/* ELF leaves the place of the heap to the kernel: a static PIE has it far from _end. */
static int brk_is_in_order(void)
{
	return system_call(SYS_brk, 0, 0, 0) != 0;
}
#endif

static int grow(struct buffer *buffer)
{
	char *wanted = buffer->end + STEP;
	char *now = (char *)system_call(SYS_brk, (long)wanted, 0, 0);
	if (now != wanted)
		return 0;
	buffer->end = now;
	return 1;
}

static void release(struct buffer *buffer)
{
	system_call(SYS_brk, (long)buffer->start, 0, 0);
	buffer->end = buffer->start;
	buffer->used = 0;
}

/* Reads fd to its end. 0, or a negative errno. */
static long read_all(int fd, struct buffer *buffer)
{
	for (;;) {
		long size;
		while ((unsigned long)(buffer->end - buffer->start) < buffer->used + CHUNK)
			if (!grow(buffer))
				return -12; /* ENOMEM */
		size = system_call(SYS_read, fd, (long)(buffer->start + buffer->used), CHUNK);
		if (failed(size))
			return size;
		if (size == 0)
			return 0;
		buffer->used += (unsigned long)size;
	}
}

static struct count count(const struct buffer *buffer)
{
	struct count count = { 0, 0, buffer->used };
	int in_word = 0;
	for (const char *at = buffer->start; at < buffer->start + buffer->used; at++) {
		int space = *at == ' ' || (*at >= '\t' && *at <= '\r');
		count.lines += *at == '\n';
		count.words += !space && !in_word;
		in_word = !space;
	}
	return count;
}

static void print_count(const char *label, struct count count, const char *name)
{
	char digits[24];
	if (label) {
		print(label);
		print(": ");
	}
	print(number(count.lines, 10, digits));
	print(" ");
	print(number(count.words, 10, digits));
	print(" ");
	print(number(count.bytes, 10, digits));
	print(" ");
	print(name);
	print("\n");
}

/* Counts one input and adds it to the total. */
static int tally(const char *name, const char *label, struct buffer *buffer, struct count *total)
{
	long fd = same(name, "-") ? 0 : system_call(SYS_open, (long)name, 0, 0);
	long result;
	struct count this;

	if (failed(fd)) {
		complain_errno(name, "cannot open", fd);
		return FAILED;
	}
	result = read_all((int)fd, buffer);
	if (fd != 0)
		system_call(SYS_close, fd, 0, 0);
	if (failed(result)) {
		complain_errno(name, "cannot read", result);
		release(buffer);
		return FAILED;
	}
	this = count(buffer);
	release(buffer);
	print_count(label, this, name);
	total->lines += this.lines;
	total->words += this.words;
	total->bytes += this.bytes;
	return OK;
}

int main(int argc, char **argv, char **envp)
{
	const char *label = environment(envp, "TALLY_LABEL");
	struct count total = { 0, 0, 0 };
	struct buffer buffer;
	int status = OK, first = 1, i;

	if (!image_is_in_order() || !brk_is_in_order()) {
		put(2, "tally: the image is damaged: .data, .bss or brk is not as the file says\n");
		return DAMAGED;
	}
	if (argc > 0)
		set_program_name(argv[0]);

	for (; first < argc && argv[first][0] == '-' && argv[first][1] != '\0'; first++) {
		const char *value;
		if (!same(argv[first], "-e") || first + 1 >= argc)
			return usage();
		value = environment(envp, argv[++first]);
		if (!value) {
			complain(argv[first], "not set in the environment\n");
			return FAILED;
		}
		print(value);
		print("\n");
	}

	buffer.start = buffer.end = (char *)system_call(SYS_brk, 0, 0, 0);
	buffer.used = 0;
	if (first >= argc)
		status = tally("-", label, &buffer, &total);
	for (i = first; i < argc; i++)
		status |= tally(argv[i], label, &buffer, &total);
	if (argc - first > 1)
		print_count(label, total, "total");
	flush();
	return status;
}
