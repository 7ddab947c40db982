/*
 * The probe: a program that prints everything a process can see of itself, a fact a line:
 *     observable <tab> detail <tab> value
 * Addresses are printed as what they point into, so that two runs can be compared. Facts are gathered before
 * the C library has been given a reason to change them, in the order of main.c.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stddef.h>

/* Prints one fact; `format` is printf's. Bytes that are not printable ASCII come out as \xNN. */
void fact(const char *observable, const char *detail, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for bytes that may hold NULs. */
void fact_bytes(const char *observable, const char *detail, const void *bytes, size_t size);

/* Reads all of a file into a static buffer of the caller's; returns its size, or -1 with errno set. */
long slurp(const char *path, char *buffer, size_t room);

/* Remembers /proc/self/maps as it is now; `where` looks an address up in that. */
void remember_maps(void);
/* "name+offset" for a file or the vDSO, the bare name for stack and heap, in a static buffer. */
const char *where(unsigned long address);

void probe_arguments(int argc, char **argv, char **envp);
void probe_auxv(void);
void probe_files(void);
void probe_stat(void);
void probe_maps(void);
void probe_descriptors(void);
void probe_signals(void);
void probe_process(void);
void probe_terminal(void);
void probe_threads(void);
void probe_brk(void);
void probe_stack(void);

#endif
