/*
 * The smallest ELF samples: write MESSAGE and exit 0. MESSAGE is defined on the command
 * line. Addresses are relative to the instruction pointer, so the same source makes a
 * program at a fixed address and a static PIE that needs no relocation.
 */
	.text
	.globl	_start
_start:
#if defined(__x86_64__)
	movl	$1, %eax		/* write */
	movl	$1, %edi
	leaq	message(%rip), %rsi
	movl	$message_size, %edx
	syscall
	movl	$231, %eax		/* exit_group */
	xorl	%edi, %edi
	syscall
#else
	call	1f			/* i386 has no such addressing: ask where we are */
1:	popl	%ecx
	addl	$message - 1b, %ecx
	movl	$4, %eax		/* write */
	movl	$1, %ebx
	movl	$message_size, %edx
	int	$0x80
	movl	$252, %eax		/* exit_group */
	xorl	%ebx, %ebx
	int	$0x80
#endif
	hlt				/* not reached */

	/* beside the code: one segment is enough */
message:
	.ascii	"hello from ", MESSAGE, "\n"
	.set	message_size, . - message

	.section .note.GNU-stack, "", @progbits
