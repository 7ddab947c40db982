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
const LEGACY = 0b011n;
const AVX = 1n << 2n;
const PKRU = 1n << 9n;
/** The kernel's own value of PKRU: a program that has set nothing has it (arch/x86/mm/pkeys.c, init_pkru_value). */
const INIT_PKRU = 0x5555_5554;
/** Where AVX is. */
const AVX_AT = 576;
/** Where the standard form ends for x87, SSE and AVX, and how long it is at least with AVX-512 as Intel lays it out. */
const STANDARD_SIZE = 832;
const INTEL_SIZE = 2688;

/**
 * The state as this processor can take it: components that this one lacks, or has elsewhere, are left out where they hold what
 * they begin with. Throws MACHINE_REFUSED where they hold something.
 */
export function fittingXstate(xstate: Uint8Array | undefined, cpu: HostCpu): Uint8Array | undefined {
  if (xstate === undefined || xstate.length < XSAVE.legacySize + XSAVE.headerSize) return xstate;
  const here = LEGACY | componentsHere(cpu);
  const used = componentsInUse(xstate);
  const isHere = (components: bigint) => (components & ~here) === 0n;
  if ((used & ~FIXED) === 0n && isHere(used)) return xstate;
  if (isHere(componentsEnabled(xstate)) && isLaidOutAsHere(xstate, cpu)) return xstate;
  const keeps = isHere(AVX) ? FIXED : LEGACY;
  if (isInitial(xstate, keeps === FIXED ? STANDARD_SIZE : AVX_AT)) return only(xstate, keeps);
  const lacking = COMPONENTS.find(({ bit, flag }) => (used & bit) !== 0n && !cpu.flags.includes(flag));
  return refuse(lacking?.what ?? 'registers that lie elsewhere here');
}

function componentsHere({ flags }: HostCpu): bigint {
  return COMPONENTS.filter(({ flag }) => flags.includes(flag)).reduce((all, { bit }) => all | bit, 0n);
}

/** Intel and AMD lay AVX-512 and what follows out differently (CPUID leaf 0xd); each does so on all its processors. */
function isLaidOutAsHere(xstate: Uint8Array, { vendor }: HostCpu): boolean {
  return xstate.length >= INTEL_SIZE === (vendor === 'GenuineIntel');
}

/** Whether all from an offset on is as components begin: zeros, and PKRU as the kernel sets it, wherever it lies. */
function isInitial(xstate: Uint8Array, from: number): boolean {
  const view = new DataView(xstate.buffer, xstate.byteOffset, xstate.byteLength);
  const values: number[] = [];
  for (let at = from; at + 4 <= xstate.length; at += 4) {
    const value = view.getUint32(at, true);
    if (value !== 0) values.push(value);
  }
  if ((componentsInUse(xstate) & PKRU) === 0n) return values.length === 0;
  return values.length === 1 && values[0] === INIT_PKRU;
}

function only(xstate: Uint8Array, components: bigint): Uint8Array {
  const cut = Uint8Array.from(xstate);
  const view = new DataView(cut.buffer);
  view.setBigUint64(XSAVE.xstate_bv, componentsInUse(xstate) & components, true);
  view.setBigUint64(XSAVE.sw_reserved, componentsEnabled(xstate) & components, true);
  return cut;
}

function refuse(what: string): never {
  throw new ForeignError('MACHINE_REFUSED', `cannot go on with this processor: it was using ${what}`, {
    hint: 'restore it on a machine with the same kind of processor',
  });
}
