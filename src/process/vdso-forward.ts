/**
 * The vDSO of another kernel, made to lead to this kernel's: a program has kept the addresses of its functions. Its data pages are
 * not there, so none of its own code may run; each exported function begins with a jump to the same one of ours, or makes the
 * system call that it stands for (vdso(7), "x86-64 functions").
 */
import { ForeignError } from '../errors.ts';
import { vdsoFunctions } from './vdso-symbols.ts';

/** System calls that a function falls back to: arch/x86/entry/syscalls/syscall_64.tbl. */
const SYSTEM_CALLS: Readonly<Record<string, number>> = {
  clock_gettime: 228,
  clock_getres: 229,
  gettimeofday: 96,
  time: 201,
  getcpu: 309,
};
const NR_getrandom = 318;
const ENOSYS = 38;
const EINVAL = 22;
const SGX = '__vdso_sgx_enter_enclave';

/** `image` with other code; throws MACHINE_REFUSED where a function has no room for it. */
export function forwardVdso(
  image: Uint8Array,
  address: bigint,
  to: { readonly image: Uint8Array; readonly address: bigint },
): Uint8Array {
  const patched = Uint8Array.from(image);
  const ours = new Map(vdsoFunctions(to.image).map(({ name, offset }) => [plainName(name), offset]));
  const functions = vdsoFunctions(image);
  if (functions.length === 0) refuse('its vDSO cannot be read');
  functions.forEach(({ name, offset }, index) => {
    const target = ours.get(plainName(name));
    const code = codeFor(plainName(name), target === undefined ? undefined : to.address + BigInt(target));
    const next = functions.slice(index + 1).find((other) => other.offset > offset)?.offset ?? image.length;
    if (offset + code.length > next) refuse(`the function ${name} of its vDSO at ${address} is too short`);
    patched.set(code, offset);
  });
  return patched;
}

/** `clock_gettime` and `__vdso_clock_gettime` are one. */
const plainName = (name: string): string => (name === SGX ? name : name.replace(/^__vdso_/, ''));

function codeFor(name: string, target: bigint | undefined): Uint8Array {
  // Its state in the program's memory is as the other kernel laid it out: it is never given to ours.
  if (name === 'getrandom') return getrandom();
  if (target !== undefined) return jumpTo(target);
  const number = SYSTEM_CALLS[name];
  return number === undefined ? returnError(name === SGX ? EINVAL : ENOSYS) : systemCall(number);
}

/** mov $target,%rax; jmp *%rax: no function takes anything in rax. */
function jumpTo(target: bigint): Uint8Array {
  const code = Uint8Array.of(0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0);
  new DataView(code.buffer).setBigUint64(2, target, true);
  return code;
}

const MOV_EAX = 0xb8;
const u32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** mov $number,%eax; syscall; ret */
function systemCall(number: number): Uint8Array {
  return Uint8Array.of(MOV_EAX, ...u32(number), 0x0f, 0x05, 0xc3);
}

/** mov $-errno,%rax; ret */
function returnError(errno: number): Uint8Array {
  return Uint8Array.of(0x48, 0xc7, 0xc0, ...u32(-errno), 0xc3);
}

/** Asked how large its state is to be (opaque_len in r8 is -1) it says that it does not know; else it is the system call. */
function getrandom(): Uint8Array {
  const call = systemCall(NR_getrandom);
  // cmp $-1,%r8; je behind the call
  return Uint8Array.of(0x49, 0x83, 0xf8, 0xff, 0x74, call.length, ...call, ...returnError(ENOSYS));
}

function refuse(why: string): never {
  throw new ForeignError('MACHINE_REFUSED', `cannot go on under this kernel: ${why}`, {
    hint: 'restore it under the kernel it was running on',
  });
}
