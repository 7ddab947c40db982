/**
 * Whether a process can go on with another processor: what it has asked about once it goes on using (cpuid), and what its
 * registers hold must fit. Names are those of `flags` in /proc/cpuinfo (arch/x86/include/asm/cpufeatures.h).
 */
import { ForeignError } from '../errors.ts';
import type { HostCpu } from './resume-host.ts';
import { componentsEnabled, componentsInUse, XSAVE } from './xstate.ts';

/** Instructions that programs use when the processor has them: the rest of the flags is the kernel's business. */
const USER_FLAGS =
  /^(fpu|cx8|cx16|cmov|mmx|mmxext|fxsr|sse|sse2|pni|ssse3|sse4_1|sse4_2|sse4a|popcnt|abm|lahf_lm|movbe|aes|vaes|pclmulqdq|vpclmulqdq|gfni|sha_ni|sha512|sm3|sm4|rdrand|rdseed|adx|fma|fma4|xop|tbm|f16c|bmi1|bmi2|avx|avx2|avx_.*|avx512.*|avx10.*|amx_.*|xsave|xsavec|xgetbv1|fsgsbase|erms|fsrm|clflush|clflushopt|clwb|clzero|movdiri|movdir64b|rdtscp|rdpid|waitpkg|serialize|rtm|hle|3dnow|3dnowext|3dnowprefetch|pku|ospke|cldemote|enqcmd|user_shstk|ptwrite|cmpccxadd|raoint)$/;
/** An old name has no number in /proc/cpuinfo to be asked for. */
const MAX_NAMED = 12;

/** Flags that the process had and this processor lacks. */
export function missingFlags(recorded: readonly string[], { flags }: HostCpu): string[] {
  const here = new Set(flags);
  return recorded.filter((flag) => USER_FLAGS.test(flag) && !here.has(flag));
}

/** Throws MACHINE_REFUSED, unless nobody knows what the process had. */
export function checkCpu(recorded: readonly string[], cpu: HostCpu): void {
  const missing = missingFlags(recorded, cpu);
  if (missing.length === 0) return;
  const named = missing.slice(0, MAX_NAMED).join(' ');
  const more = missing.length > MAX_NAMED ? ` and ${missing.length - MAX_NAMED} more` : '';
  throw new ForeignError(
    'MACHINE_REFUSED',
    `cannot go on with this processor: it lacks ${named}${more}, which the process may be using`,
    {
      hint: 'restore it on a machine that has them, or with --skip cpu if the program does not use them',
    },
  );
}

/** Of XCR0: components by the flag of the processor that has them. Intel SDM volume 1, 13.1. */
const COMPONENTS: readonly { readonly bit: bigint; readonly flag: string; readonly what: string }[] = [
  { bit: 1n << 2n, flag: 'avx', what: 'AVX' },
  { bit: 7n << 5n, flag: 'avx512f', what: 'AVX-512' },
  { bit: 1n << 9n, flag: 'pku', what: 'protection keys' },
  { bit: 3n << 17n, flag: 'amx_tile', what: 'AMX tiles' },
];
/** x87, SSE and AVX lie where they lie on every processor. */
const FIXED = 0b111n;
const PKRU = 1n << 9n;
/** The kernel's own value of PKRU: a program that has set nothing has it (arch/x86/mm/pkeys.c, init_pkru_value). */
const INIT_PKRU = 0x5555_5554;
/** Where the standard form ends for x87, SSE and AVX, and how long it is at least with AVX-512 as Intel lays it out. */
const STANDARD_SIZE = 832;
const INTEL_SIZE = 2688;

/**
 * The state as this processor can take it: what is not in use and not known here is left out. Throws MACHINE_REFUSED
 * where something in use has no place.
 */
export function fittingXstate(xstate: Uint8Array | undefined, cpu: HostCpu): Uint8Array | undefined {
  if (xstate === undefined || xstate.length < XSAVE.legacySize + XSAVE.headerSize) return xstate;
  const here = FIXED | componentsHere(cpu);
  const used = componentsInUse(xstate);
  const lacking = COMPONENTS.find(({ bit, flag }) => (used & bit) !== 0n && !cpu.flags.includes(flag));
  if (lacking !== undefined && (lacking.bit !== PKRU || !isInitial(xstate))) refuse(lacking.what);
  const enabled = componentsEnabled(xstate);
  if ((used & ~FIXED) === 0n || ((enabled & ~here) === 0n && isLaidOutAsHere(xstate, cpu))) return xstate;
  if ((used & ~FIXED & ~PKRU) !== 0n || !isInitial(xstate)) refuse('registers that lie elsewhere here');
  return only(xstate, used & FIXED);
}

function componentsHere({ flags }: HostCpu): bigint {
  return COMPONENTS.filter(({ flag }) => flags.includes(flag)).reduce((all, { bit }) => all | bit, 0n);
}

/** Intel and AMD lay AVX-512 and what follows out differently (CPUID leaf 0xd); each does so on all its processors. */
function isLaidOutAsHere(xstate: Uint8Array, { vendor }: HostCpu): boolean {
  return xstate.length >= INTEL_SIZE === (vendor === 'GenuineIntel');
}

/** Whether PKRU is as the kernel sets it, wherever it lies. */
function isInitial(xstate: Uint8Array): boolean {
  if ((componentsInUse(xstate) & PKRU) === 0n) return true;
  const view = new DataView(xstate.buffer, xstate.byteOffset, xstate.byteLength);
  for (let at = STANDARD_SIZE; at + 4 <= xstate.length; at += 8)
    if (view.getUint32(at, true) === INIT_PKRU) return true;
  return false;
}

function only(xstate: Uint8Array, components: bigint): Uint8Array {
  const cut = Uint8Array.from(xstate);
  const view = new DataView(cut.buffer);
  view.setBigUint64(XSAVE.xstate_bv, components, true);
  view.setBigUint64(XSAVE.sw_reserved, componentsEnabled(xstate) & FIXED, true);
  return cut;
}

function refuse(what: string): never {
  throw new ForeignError('MACHINE_REFUSED', `cannot go on with this processor: it was using ${what}`, {
    hint: 'restore it on a machine with the same kind of processor',
  });
}
