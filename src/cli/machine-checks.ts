/**
 * What the machine is asked by `run-foreign check`. Each question is really tried out, on this process
 * or in one of its own, and every no comes with what can be done about it.
 */
import { hex } from '../errors.ts';
import { lowestMmField, mmMapSize, probeExeFile, probeMmField, probeMmMap } from '../native/mm-probe.ts';
import { CAPABILITY, hasCapability, personality, readNumber } from '../native/proc.ts';
import { replacementDirectory, tryExit, tryMapZero } from './probe-programs.ts';

export interface MachineCheck {
  /** Stable, for machines. */
  readonly id: string;
  readonly title: string;
  readonly ok: boolean;
  /** Whether programs cannot be run as they should be without it. */
  readonly required: boolean;
  /** What was found, as half a sentence. */
  readonly found: string;
  /** What to do about a no. */
  readonly advice?: string;
}

/** include/uapi/linux/personality.h */
const ADDR_NO_RANDOMIZE = 0x0040000;

export function machineChecks(): MachineCheck[] {
  return [mmMap(), exeFile(), mmFieldCalls(), memfd(), program32(), mapZero(), lowestField(), aslr()];
}

/** Yes, or no with advice. */
function verdict(
  head: Pick<MachineCheck, 'id' | 'title'> & { required?: boolean },
  ok: boolean,
  found: string,
  advice: string,
): MachineCheck {
  return { required: false, ...head, ok, found, ...(!ok && { advice }) };
}

function mmMap(): MachineCheck {
  const size = mmMapSize();
  const result = probeMmMap();
  const replaced = probeMmField() === undefined;
  const ok = typeof size === 'number' && result === undefined;
  const found =
    typeof size === 'string'
      ? `the kernel answers ${size} when asked for its size`
      : ok
        ? `struct prctl_mm_map has ${size} bytes, and it may be set`
        : `struct prctl_mm_map has ${size} bytes, but setting it gives ${result}`;
  const cause =
    typeof size === 'string'
      ? 'the kernel needs CONFIG_CHECKPOINT_RESTORE=y, or a seccomp filter must allow prctl'
      : 'a seccomp filter or the kernel asks for a privilege: allow prctl, or give CAP_CHECKPOINT_RESTORE';
  const advice = replaced
    ? `nothing, PR_SET_MM sets the same by field; else, ${cause}`
    : `${cause}; programs start, but ps shows the wrong command line`;
  return verdict({ id: 'pr-set-mm-map', title: 'PR_SET_MM_MAP', required: !replaced }, ok, found, advice);
}

function exeFile(): MachineCheck {
  const [result, alone] = [probeExeFile('map'), probeExeFile('field')];
  const ok = result === undefined || alone === undefined;
  const asked =
    result === undefined ? (['SYS_ADMIN', 'CHECKPOINT_RESTORE'] as const) : (['SYS_RESOURCE'] as const);
  const names = asked.filter((name) => hasCapability(CAPABILITY[name])).map((name) => `CAP_${name}`);
  const found = ok
    ? `may be set${names.length === 0 ? '' : `, with ${names.join(' and ')}`}`
    : `refused, with ${result} in the map and ${alone} alone`;
  const advice =
    'programs run, but /proc/PID/exe names the stub; run as root, in a user namespace (unshare -Ur), ' +
    'or with CAP_CHECKPOINT_RESTORE';
  return verdict({ id: 'exe-fd', title: '/proc/PID/exe' }, ok, found, advice);
}

function mmFieldCalls(): MachineCheck {
  const result = probeMmField();
  const ok = result === undefined;
  const needed = probeMmMap() === undefined ? 'not needed here' : 'used here';
  const has = hasCapability(CAPABILITY.SYS_RESOURCE) ? 'has' : 'lacks';
  const found = ok
    ? `PR_SET_MM_START_CODE works; ${needed}, since PR_SET_MM_MAP ${needed === 'used here' ? 'does not' : 'does'}`
    : `PR_SET_MM_START_CODE gives ${result}; this process ${has} CAP_SYS_RESOURCE`;
  const advice =
    'needed only where PR_SET_MM_MAP is refused: give CAP_SYS_RESOURCE, which counts in the first user namespace only';
  return verdict({ id: 'pr-set-mm-fields', title: 'PR_SET_MM by field' }, ok, found, advice);
}

function memfd(): MachineCheck {
  const outcome = tryExit('x86_64');
  const instead = replacementDirectory();
  const setting = readNumber('/proc/sys/vm/memfd_noexec');
  const sysctl = `vm.memfd_noexec is ${setting ?? 'unknown to this kernel'}`;
  const found =
    outcome !== undefined
      ? `refused: ${outcome}; ${sysctl}`
      : instead === undefined
        ? `a program ran from memory; ${sysctl}`
        : `not from a memfd (${sysctl}), but a program ran from a nameless file in ${instead}`;
  const advice =
    setting === 2
      ? 'as root: sysctl vm.memfd_noexec=1, also in the container (its PID namespace)'
      : 'a security module or seccomp filter forbids it: allow memfd_create and executing its files';
  const head = { id: 'memfd-exec', title: 'memfd exec', required: true };
  return verdict(head, outcome === undefined, found, advice);
}

function program32(): MachineCheck {
  const outcome = tryExit('i386');
  const ok = outcome === undefined;
  const found = ok ? 'an i386 program ran' : `an i386 program did not run: ${outcome}`;
  const advice =
    'the kernel needs CONFIG_IA32_EMULATION=y and must not be booted with ia32_emulation=0; a.out needs this';
  return verdict({ id: 'programs-32', title: '32-bit programs' }, ok, found, advice);
}

function mapZero(): MachineCheck {
  const outcome = tryMapZero();
  const ok = outcome === undefined;
  const minimum = `vm.mmap_min_addr is ${readNumber('/proc/sys/vm/mmap_min_addr') ?? 'unreadable'}`;
  const found = ok ? `address 0 can be mapped; ${minimum}` : `mapping it gives ${outcome}; ${minimum}`;
  const advice =
    'OMAGIC, NMAGIC and ZMAGIC a.out programs begin there; run as root (CAP_SYS_RAWIO) or sysctl vm.mmap_min_addr=0';
  return verdict({ id: 'map-zero', title: 'address 0' }, ok, found, advice);
}

function lowestField(): MachineCheck {
  const lowest = lowestMmField();
  const ok = lowest <= 0x10000n;
  const found = `PR_SET_MM takes addresses from ${hex(lowest)} on; lower ones are rounded up to it`;
  const advice = 'the identity of programs at low addresses is shown rounded up; lower vm.mmap_min_addr';
  return verdict({ id: 'lowest-mm-field', title: 'lowest mm field' }, ok, found, advice);
}

function aslr(): MachineCheck {
  const setting = readNumber('/proc/sys/kernel/randomize_va_space');
  const refused = (personality() & ADDR_NO_RANDOMIZE) !== 0;
  const ok = setting !== 0 && !refused;
  const persona = refused
    ? 'this process runs under ADDR_NO_RANDOMIZE'
    : 'the personality asks for nothing else';
  const found = `kernel.randomize_va_space is ${setting ?? 'unreadable'}; ${persona}`;
  const advice = refused
    ? 'started by setarch -R or a debugger: start it without'
    : 'as root: sysctl kernel.randomize_va_space=2';
  return verdict({ id: 'aslr', title: 'random addresses' }, ok, found, advice);
}
