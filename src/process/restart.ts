/**
 * What becomes of a system call that was interrupted when the registers were taken: ptrace shows it as orig_rax >= 0 with
 * one of the kernel's own errors in rax (include/linux/errno.h), and the kernel would make the call again when the thread goes on.
 */
import type { Registers } from '../image/process-state.ts';

const ERESTARTSYS = 512n;
const ERESTARTNOINTR = 513n;
const ERESTARTNOHAND = 514n;
const ERESTART_RESTARTBLOCK = 516n;
const EINTR = 4n;
const NR_restart_syscall = 219n;
/** `syscall`, 0f 05. */
const INSTRUCTION_SIZE = 2n;
const NO_SYSTEM_CALL = 2n ** 64n - 1n;

const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);

/**
 * The registers with which a thread goes on by itself, without the kernel knowing of the call. With ERESTART_RESTARTBLOCK
 * the kernel goes on with the time that is left, which it keeps to itself: the call is made again with all of it,
 * because a program may sleep too long, but does not expect an EINTR when it has no handlers. Only where the call has been
 * restarted before does nothing say any more which it was (restart_syscall(2)), and it ends with EINTR.
 */
export function restarted(registers: Registers): Registers {
  if (signed(registers.orig_rax) < 0n) return registers;
  const error = -signed(registers.rax);
  const over = { ...registers, orig_rax: NO_SYSTEM_CALL };
  const again = { ...over, rax: registers.orig_rax, rip: registers.rip - INSTRUCTION_SIZE };
  switch (error) {
    case ERESTARTSYS:
    case ERESTARTNOINTR:
    case ERESTARTNOHAND:
      return again;
    case ERESTART_RESTARTBLOCK:
      return registers.orig_rax === NR_restart_syscall ? { ...over, rax: unsigned(-EINTR) } : again;
    default:
      return over;
  }
}
