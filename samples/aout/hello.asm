; The smallest a.out sample that still needs its whole image: writes MESSAGE and exits 0.
;
; MESSAGE is defined on nasm's command line. The first letter is wrong in the file and is
; put right at run time, which takes a writable .data; the line is then put together in
; .bss, which takes memory that the file does not hold.

        bits 32
        global _start

%define SYS_exit  1
%define SYS_write 4

        section .text
_start:
        mov     byte [message], 'h'
        mov     esi, message
        mov     edi, line
        mov     ecx, message_size
        cld
        rep     movsb                   ; the message, from .data to .bss
        mov     byte [edi], 10

        mov     eax, SYS_write
        mov     ebx, 1
        mov     ecx, line
        mov     edx, message_size + 1
        int     0x80

        mov     eax, SYS_exit
        xor     ebx, ebx
        int     0x80

        section .data
message:
        db      "?ello from ", MESSAGE
message_size equ $ - message
        align   16, db 0                ; so that .data's size is what a_data will say

        section .bss
line:   resb    64
