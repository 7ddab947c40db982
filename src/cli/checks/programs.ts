/** What programs are started from, and where they lie. */
import {
  CAPABILITY,
  hasCapability,
  inInitialUserNamespace,
  personality,
  readNumber,
  readText,
} from '../../native/proc.ts';
import { type Answer, type Check, no, setSysctl, yes } from './machine-check.ts';
import { replacementDirectory, tryExit, tryMapZero } from './probe-programs.ts';

/** include/uapi/linux/personality.h */
const ADDR_NO_RANDOMIZE = 0x0040000;

export const PROGRAMS: Readonly<Record<string, Check>> = {
  'memfd-exec': {
    title: 'memfd exec',
    neededFor: ['run'],
    tries:
      'a program of a few bytes is executed from memory, or from a file without a name: programs can be started at all',
    ask: memfd,
  },
  'programs-32': {
    title: '32-bit programs',
    neededFor: ['aout', 'elf', 'flat'],
    tries: 'a program of a few bytes for i386 is executed, too',
    ask: program32,
  },
  'map-zero': {
    title: 'address 0',
    neededFor: ['aout'],
    tries: 'a program maps the page at address 0, where most a.out programs begin',
    ask: mapZero,
  },
  aslr: {
    title: 'random addresses',
    neededFor: ['run'],
    tries: 'the setting and the personality of this process are read: programs lie elsewhere every time',
    ask: aslr,
  },
};

function memfd(): Answer {
  const outcome = tryExit('x86_64');
  const instead = replacementDirectory();
  const setting = readNumber('/proc/sys/vm/memfd_noexec');
  const sysctl = `vm.memfd_noexec is ${setting ?? 'unknown to this kernel'}`;
  if (outcome === undefined) {
    const found =
      instead === undefined
        ? `a program ran from memory; ${sysctl}`
        : `not from a memfd (${sysctl}), but a program ran from a nameless file in ${instead}`;
    return { ...yes(found), required: true };
  }
  const found = `refused: ${outcome}; ${sysctl}`;
  const refused =
    setting === 2
      ? no(
          found,
          'executing from memory is forbidden; to be allowed in the PID namespace of a container, too',
          setSysctl('vm.memfd_noexec', 1),
        )
      : no(
          found,
          'no command changes that: a seccomp filter or a security module must allow memfd_create and executing its files; no program can be started',
        );
  return { ...refused, required: true };
}

function program32(): Answer {
  const outcome = tryExit('i386');
  if (outcome === undefined) return yes('an i386 program ran');
  const booted = /\bia32_emulation=(0|off|false|n)\b/.test(readText('/proc/cmdline') ?? '');
  const advice = booted
    ? 'the kernel was booted with ia32_emulation=0, and must be booted without; a.out and i386 programs are lost'
    : 'no command changes that: the kernel needs CONFIG_IA32_EMULATION=y, or a filter must allow 32-bit calls; a.out and i386 programs are lost';
  return no(`an i386 program did not run: ${outcome}`, advice);
}

function mapZero(): Answer {
  const outcome = tryMapZero();
  const minimum = `vm.mmap_min_addr is ${readNumber('/proc/sys/vm/mmap_min_addr') ?? 'unreadable'}`;
  if (outcome === undefined) return yes(`address 0 can be mapped; ${minimum}`);
  const privileged = inInitialUserNamespace() && hasCapability(CAPABILITY.SYS_RAWIO);
  const who = privileged
    ? 'a security module stands against it'
    : 'root may map it, and all users may if the machine is set so';
  const advice = `OMAGIC, NMAGIC and ZMAGIC a.out programs begin there; ${who}`;
  return no(`mapping it gives ${outcome}; ${minimum}`, advice, setSysctl('vm.mmap_min_addr', 0));
}

function aslr(): Answer {
  const setting = readNumber('/proc/sys/kernel/randomize_va_space');
  const found = `kernel.randomize_va_space is ${setting ?? 'unreadable'}; `;
  if ((personality() & ADDR_NO_RANDOMIZE) !== 0) {
    return no(
      `${found}this process runs under ADDR_NO_RANDOMIZE`,
      'started by setarch -R or a debugger; this is a shell without',
      'setarch x86_64 "$SHELL"',
    );
  }
  const ordinary = `${found}the personality asks for nothing else`;
  if (setting !== 0) return yes(ordinary);
  return no(
    ordinary,
    'all programs lie at the same addresses every time',
    setSysctl('kernel.randomize_va_space', 2),
  );
}
