/* Registers in the middle of a computation: x87, SSE, AVX and the general ones, with nothing of them in memory. */
#include "said.h"

static volatile uint64_t go;
static void let_go(int signal) {
  (void)signal;
  go = 1;
}

int main(void) {
  struct sigaction action = {.sa_handler = let_go, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  static const double start[4] = {1.5, 2.5, 3.5, 4.5};
  uint64_t general[6] = {0}, rounds = 0;
  double wide[4], narrow[2], x87 = 0;
  uint32_t mxcsr = 0x3f80, saved = 0;
  uint16_t control = 0x077f, found = 0;
  printf("ready\n");
  fflush(stdout);
  __asm__ volatile(
      "ldmxcsr %[mxcsr]\n"
      "fldcw %[control]\n"
      "fldpi\n fldl2e\n"
      "vmovupd (%[start]), %%ymm7\n"
      "movupd 16(%[start]), %%xmm3\n"
      "movabs $0x1111222233334444, %%r8\n movabs $0x5555666677778888, %%r9\n"
      "movabs $0x9999aaaabbbbcccc, %%r12\n movabs $0xddddeeeeffff0000, %%r13\n"
      "std\n"
      "1: inc %[rounds]\n"
      "cmpq $0, %[go]\n"
      "je 1b\n"
      "pushfq\n pop %%rax\n cld\n"
      "mov %%r8, (%[general])\n mov %%r9, 8(%[general])\n"
      "mov %%r12, 16(%[general])\n mov %%r13, 24(%[general])\n mov %%rax, 32(%[general])\n"
      "vmovupd %%ymm7, (%[wide])\n movupd %%xmm3, (%[narrow])\n"
      "faddp\n fstpl %[x87]\n fnstcw %[found]\n stmxcsr %[saved]\n"
      : [rounds] "+r"(rounds), [x87] "=m"(x87), [found] "=m"(found), [saved] "=m"(saved)
      : [start] "r"(start), [general] "r"(general), [wide] "r"(wide), [narrow] "r"(narrow), [go] "m"(go),
        [mxcsr] "m"(mxcsr), [control] "m"(control)
      : "r8", "r9", "r12", "r13", "rax", "xmm3", "xmm7", "memory", "cc");
  printf("%lx %lx %lx %lx %d\n", general[0], general[1], general[2], general[3], (int)(general[4] >> 10 & 1));
  printf("%g %g %g %g %g %g %.10f %x %x\n", wide[0], wide[1], wide[2], wide[3], narrow[0], narrow[1], x87, found, saved);
  return done();
}
