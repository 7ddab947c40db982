/* Addresses: the maps, what the kernel has recorded of them (proc(5), stat), the auxiliary vector, brk. */
#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096UL
#define MOST_MAPPINGS 200

static struct mapping {
	unsigned long start, end, offset;
	char permissions[5];
	char name[256];
} mappings[MOST_MAPPINGS];
static int mapping_count;
static char buffer[1 << 17];

void remember_maps(void)
{
	if (slurp("/proc/self/maps", buffer, sizeof buffer) < 0)
		return;
	for (char *line = strtok(buffer, "\n"); line && mapping_count < MOST_MAPPINGS; line = strtok(NULL, "\n")) {
		struct mapping *m = &mappings[mapping_count++];

		sscanf(line, "%lx-%lx %4s %lx %*s %*s %255[^\n]", &m->start, &m->end, m->permissions, &m->offset, m->name);
	}
}

const char *where(unsigned long address)
{
	static char text[400];

	for (int i = 0; i < mapping_count; i++) {
		struct mapping *m = &mappings[i];

		if (address < m->start || address >= m->end)
			continue;
		if (m->name[0] == '/')
			snprintf(text, sizeof text, "%s+0x%lx", m->name, address - m->start + m->offset);
		else if (!strcmp(m->name, "[vdso]"))
			snprintf(text, sizeof text, "[vdso]+0x%lx", address - m->start);
		else
			snprintf(text, sizeof text, "%s", m->name[0] ? m->name : "anonymous memory");
		return text;
	}
	return address < PAGE ? "a small number" : "nothing";
}

/* Distance from the end of the stack area: the same in every run for what stands above the random gap. */
static unsigned long below_stack_end(unsigned long address)
{
	for (int i = 0; i < mapping_count; i++)
		if (!strcmp(mappings[i].name, "[stack]"))
			return mappings[i].end - address;
	return 0;
}

void probe_maps(void)
{
	int stack = 0, writable_code = 0;

	for (int i = 0; i < mapping_count; i++) {
		struct mapping *m = &mappings[i];

		stack |= !strcmp(m->name, "[stack]");
		writable_code |= m->permissions[1] == 'w' && m->permissions[2] == 'x';
		/* The vDSO and its data may lie on either side of other mappings. */
		fact(strncmp(m->name, "[v", 2) ? "maps" : "vdso", m->name, "%s 0x%lx 0x%lx bytes", m->permissions, m->offset,
		     m->end - m->start);
	}
	fact("maps", "a stack, writable code", "%d %d", stack, writable_code);
	slurp("/proc/self/smaps", buffer, sizeof buffer);
	for (char *line = strtok(buffer, "\n"); line; line = strtok(NULL, "\n")) {
		static char name[256];
		unsigned long start;

		if (sscanf(line, "%lx-%*x ", &start) == 1 && strchr(line, '-')) {
			if (sscanf(line, "%*x-%*x %*s %*x %*s %*s %255[^\n]", name) != 1)
				name[0] = 0;
			continue;
		}
		if (!strncmp(line, "VmFlags:", 8))
			fact("smaps", !strncmp(name, "[v", 2) ? name : "flags", "%s", line + 8);
		if (!strncmp(line, "Private_Dirty:", 14) && !strcmp(name, "[vdso]"))
			fact("smaps", "private pages of the vDSO", "%d", atoi(line + 14) / 4);
	}
}

void probe_stat(void)
{
	static const struct { int number; const char *name; } fields[] = {
		{ 26, "start_code" }, { 27, "end_code" }, { 45, "start_data" }, { 46, "end_data" },
		{ 48, "arg_start" }, { 49, "arg_end" }, { 50, "env_start" }, { 51, "env_end" }, { 28, "start_stack" },
	};
	unsigned long value[60] = { 0 };
	int number = 3;
	char *at;

	slurp("/proc/self/stat", buffer, sizeof buffer);
	at = strrchr(buffer, ')') + 4;
	for (at = strtok(at, " "); at && number < 59; at = strtok(NULL, " "))
		value[++number] = strtoul(at, NULL, 10);
	for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
		unsigned long address = value[fields[i].number];
		/* An end may lie at the first byte of what follows. */
		const char *place = where(fields[i].number == 27 || fields[i].number == 46 ? address - 1 : address);

		if (i >= 4 && i < 8)
			fact("mm fields", fields[i].name, "%s, 0x%lx below its end", place, below_stack_end(address));
		else
			fact("mm fields", fields[i].name, "%s", place);
	}
	fact("mm fields", "start_stack", "%lu above a multiple of 16", value[28] % 16);
	fact("mm fields", "start_brk", "%s, %lu into its page", where(value[47]), value[47] % PAGE);
	fact("stat", "flags", "0x%lx", value[9]);
	fact("stat", "cminflt cmajflt cutime cstime", "%lu %lu %lu %lu", value[11], value[13], value[16], value[17]);
	fact("stat", "priority nice num_threads itrealvalue", "%ld %ld %ld %ld", value[18], value[19], value[20], value[21]);
	fact("stat", "exit_signal rt_priority policy", "%ld %ld %ld", value[38], value[40], value[41]);
	fact("stat", "exit_code", "%lu", value[52]);
}

static void auxv_entry(unsigned long type, unsigned long value)
{
	char detail[24];

	snprintf(detail, sizeof detail, "%lu", type);
	switch (type) {
	case AT_EXECFN:
		fact("auxv", "AT_EXECFN", "%s, 0x%lx below the stack's end", (char *)value, below_stack_end(value));
		break;
	case AT_PLATFORM:
		fact("auxv", "AT_PLATFORM", "%s", (char *)value);
		break;
	case AT_RANDOM:
		fact("auxv", "AT_RANDOM", "%s", where(value));
		fact_bytes("AT_RANDOM", "", (void *)value, 16);
		break;
	default:
		if (value >= 0x10000 && type != AT_HWCAP && type != AT_HWCAP2)
			fact("auxv", detail, "%s", where(value));
		else
			fact("auxv", detail, "0x%lx", value);
	}
}

void probe_auxv(void)
{
	static char saved[4096], again[4096];
	long size = slurp("/proc/self/auxv", saved, sizeof saved);
	ElfW(auxv_t) *entry = (ElfW(auxv_t) *)saved;
	/* PR_GET_AUXV, Linux 6.4 */
	long got = prctl(0x41555856, again, sizeof again, 0, 0);
	char **end = environ;

	while (*end)
		end++;
	for (long at = 0; at + (long)sizeof *entry <= size && entry->a_type != AT_NULL; at += sizeof *entry, entry++)
		auxv_entry(entry->a_type, entry->a_un.a_val);
	fact("auxv", "saved size", "%ld", size);
	fact("auxv", "saved is on the stack", "%d", !memcmp(saved, end + 1, (char *)(entry + 1) - saved));
	fact("auxv", "PR_GET_AUXV", "%d", got < 0 ? -errno : !memcmp(saved, again, size));
}

void probe_brk(void)
{
	char *start = (char *)syscall(SYS_brk, 0), *at;
	int clean = 1;
	struct mapping *bss = NULL;

	for (int i = 0; i < mapping_count; i++)
		if (mappings[i].end <= (unsigned long)start && strcmp(mappings[i].name, "[heap]"))
			bss = &mappings[i];
	fact("brk", "lies above", "%s", bss && bss->name[0] ? bss->name : "anonymous memory");
	fact("brk", "grows", "%d", (char *)syscall(SYS_brk, start + 64 * PAGE + 5) == start + 64 * PAGE + 5);
	for (at = start; at < start + 64 * PAGE; at++)
		clean &= *at == 0;
	fact("brk", "is zero", "%d", clean);
	memset(start, 1, 64 * PAGE);
	fact("brk", "shrinks", "%d", (char *)syscall(SYS_brk, start) == start);
	fact("brk", "grows by 64 MiB", "%d", (char *)syscall(SYS_brk, start + (64 << 20)) == start + (64 << 20));
	syscall(SYS_brk, start);
	fact("brk", "refuses the kernel's addresses", "%d", (char *)syscall(SYS_brk, -PAGE) == start);
}
