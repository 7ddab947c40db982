/*
 * Walks what the kernel and the dynamic linker tell a program of itself, and checks one against the other: the
 * auxiliary vector, the program headers, the libraries, its own symbols in them. Prints what is no address.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern const ElfW(Ehdr) __executable_start;
extern const char etext, edata, end;
extern void _start(void);

static int visit(struct dl_phdr_info *info, size_t size, void *count)
{
	const char *slash = strrchr(info->dlpi_name, '/');

	(void)size;
	printf("object %d: %s, %d headers, TLS %s\n", ++*(int *)count, slash ? slash : info->dlpi_name,
	       info->dlpi_phnum, info->dlpi_tls_data ? "yes" : "no");
	if (*(int *)count == 1)
		printf("the program's headers are those of the auxv: %d\n",
		       info->dlpi_phdr == (void *)getauxval(AT_PHDR) && info->dlpi_phnum == getauxval(AT_PHNUM));
	return 0;
}

int main(int argc, char **argv, char **envp)
{
	int objects = 0;
	ElfW(auxv_t) *entry;

	(void)argc;
	while (*envp++)
		;
	for (entry = (void *)envp; entry->a_type != AT_NULL; entry++)
		printf("%lu ", (unsigned long)entry->a_type);
	printf("\n%s %s %ld\n", (char *)getauxval(AT_EXECFN), (char *)getauxval(AT_PLATFORM), getauxval(AT_PAGESZ));
	printf("%lx %lx %ld %ld\n", getauxval(AT_HWCAP), getauxval(AT_HWCAP2), getauxval(AT_MINSIGSTKSZ), getauxval(AT_CLKTCK));
	printf("%d %d %ld\n", getauxval(AT_UID) == getuid(), getauxval(AT_EGID) == getegid(), getauxval(AT_SECURE));
	printf("entry %d, headers %d, order %d\n", getauxval(AT_ENTRY) == (unsigned long)_start,
	       getauxval(AT_PHDR) == (unsigned long)&__executable_start + __executable_start.e_phoff,
	       (char *)&__executable_start < &etext && &etext < &edata && &edata <= &end && &end <= (char *)sbrk(0));
	printf("random %d, name %d\n", getauxval(AT_RANDOM) > (unsigned long)&objects, strcmp((char *)getauxval(AT_EXECFN), argv[0]));
	dl_iterate_phdr(visit, &objects);
	return objects;
}
