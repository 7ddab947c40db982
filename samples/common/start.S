/*
 * The entry point of the freestanding samples: from the kernel's first stack to
 * main(argc, argv, envp), and from its result to exit. No alignment and no
 * register value is taken on trust except the stack pointer.
 *
 * AOUT is set for a.out, whose first stack differs from ELF's.
 */
	.section .text.start, "ax", @progbits
	.globl	_start
_start:
#if defined(__x86_64__)
	/* (rsp) = argc, then the argv strings' addresses themselves, NULL, envp, NULL, auxv */
	xorl	%ebp, %ebp
	movq	(%rsp), %rdi
	leaq	8(%rsp), %rsi
	leaq	8(%rsi, %rdi, 8), %rdx
	andq	$-16, %rsp
	call	main
	movl	%eax, %edi
	movl	$231, %eax		/* exit_group */
	syscall

#elif defined(AOUT)
	/*
	 * (esp) = argc, 4(esp) = the address of argv[], 8(esp) = the address of envp[]:
	 * exactly three C arguments, so main can be called with no preparation at all.
	 */
	call	main
	movl	%eax, %ebx
	movl	$1, %eax		/* exit */
	int	$0x80

#else	/* i386 ELF: like x86_64 with words of four bytes */
	xorl	%ebp, %ebp
	movl	(%esp), %eax
	leal	4(%esp), %ecx
	leal	4(%ecx, %eax, 4), %edx
	andl	$-16, %esp
	subl	$4, %esp
	pushl	%edx
	pushl	%ecx
	pushl	%eax
	call	main
	movl	%eax, %ebx
	movl	$252, %eax		/* exit_group */
	int	$0x80
#endif
	hlt				/* not reached */

	.section .note.GNU-stack, "", @progbits
