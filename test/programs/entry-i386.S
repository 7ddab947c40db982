/*
 * Writes the registers a program is entered with to standard output, as 8-byte words: eax ebx ecx edx esi
 * edi ebp, flags, cs ss ds es fs gs, the last four bits of esp, mxcsr and the x87 control word. Nothing is
 * touched before it is stored. Linked at a fixed address: it addresses its memory directly.
 */
#include <asm/unistd_32.h>

	.globl	_start
	.bss
	.balign	8
words:	.skip	17 * 8

	.text
_start:
	movl	%eax, words
	movl	%ebx, words + 8
	movl	%ecx, words + 16
	movl	%edx, words + 24
	movl	%esi, words + 32
	movl	%edi, words + 40
	movl	%ebp, words + 48
	movl	%esp, %ebx
	pushfl
	popl	words + 56
	movw	%cs, words + 64
	movw	%ss, words + 72
	movw	%ds, words + 80
	movw	%es, words + 88
	movw	%fs, words + 96
	movw	%gs, words + 104
	andl	$15, %ebx
	movl	%ebx, words + 112
	stmxcsr	words + 120
	fnstcw	words + 128
	movl	$__NR_write, %eax
	movl	$1, %ebx
	movl	$words, %ecx
	movl	$17 * 8, %edx
	int	$0x80
	movl	$__NR_exit_group, %eax
	xorl	%ebx, %ebx
	int	$0x80
	.section .note.GNU-stack, "", @progbits
