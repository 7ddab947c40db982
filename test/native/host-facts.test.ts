/** What is found out about this machine, compared with what it says about itself elsewhere. */
import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hostFacts } from '../../src/native/host-facts.ts';
import {
  isCloseOnExec,
  mapRefusal,
  memfdExecutable,
  prctl,
  SystemError,
  setCloseOnExec,
} from '../../src/native/libc.ts';
import {
  lowestMmField,
  mmMapSize,
  probeExeFile,
  probeMmField,
  probeMmMap,
} from '../../src/native/mm-probe.ts';
import { CAPABILITY, hasCapability, readNumber, statFields } from '../../src/native/proc.ts';
import { AT } from '../../src/process/auxv.ts';

describe('mapping a page of a file', () => {
  test('is possible past its end, and leaves nothing mapped', () => {
    const fd = memfdExecutable('empty');
    try {
      for (const offset of [0n, 1n << 31n, 1n << 52n]) expect(mapRefusal(fd, offset)).toBeUndefined();
      expect(readFileSync('/proc/self/maps', 'latin1')).not.toContain('memfd:empty');
    } finally {
      closeSync(fd);
    }
  });

  test('is refused with the errno’s name', () => {
    expect(mapRefusal(-1, 0n)).toBe('EBADF');
  });
});

describe('host facts', () => {
  test('the stack limit is the shell’s', () => {
    const text = execFileSync('/bin/sh', ['-c', 'ulimit -Ss'], { encoding: 'utf8' }).trim();
    const expected = text === 'unlimited' ? (1n << 64n) - 1n : BigInt(text) * 1024n;
    expect(hostFacts().stackLimit).toBe(expected);
  });

  test('the auxv has AT_RANDOM and AT_EXECFN and no AT_NULL', () => {
    const { auxvTypes } = hostFacts();
    expect(auxvTypes).toEqual(expect.arrayContaining([AT.RANDOM, AT.EXECFN]));
    expect(auxvTypes).not.toContain(AT.NULL);
  });

  test('randomisation is the sysctl’s, where no personality turns it off', () => {
    const personality = Number.parseInt(readFileSync('/proc/self/personality', 'latin1'), 16);
    const off = (personality & 0x40000) !== 0;
    expect(hostFacts().randomizeVaSpace).toBe(off ? 0 : readNumber('/proc/sys/kernel/randomize_va_space'));
  });

  test('random bytes are as many as asked for and never the same', () => {
    const { random } = hostFacts();
    expect(random(16)).toHaveLength(16);
    expect(Buffer.from(random(16))).not.toEqual(Buffer.from(random(16)));
    expect(random(0)).toHaveLength(0);
  });

  test('memory limits are the shell’s, and what the machine has', () => {
    const { addressSpace, data, single, total } = hostFacts().memoryLimits();
    const shell = (option: string) => {
      const text = execFileSync('/bin/sh', ['-c', `ulimit -S${option}`], { encoding: 'utf8' }).trim();
      return text === 'unlimited' ? (1n << 64n) - 1n : BigInt(text) * 1024n;
    };
    expect([addressSpace, data]).toEqual([shell('v'), shell('d')]);
    const overcommit = readNumber('/proc/sys/vm/overcommit_memory');
    const free = execFileSync('/bin/sh', ['-c', 'cat /proc/meminfo'], { encoding: 'utf8' });
    const memory = BigInt(/^MemTotal: +(\d+)/m.exec(free)?.[1] ?? 0) * 1024n;
    if (overcommit === 0) expect(single).toBeGreaterThanOrEqual(memory);
    else expect(single).toBe((1n << 64n) - 1n);
    expect(total).toBeGreaterThan(0n);
  });

  test('the lowest mapping is whole pages', () => {
    expect(hostFacts().lowestMapping() % 4096n).toBe(0n);
  });
});

describe('libc', () => {
  test('close-on-exec is set, cleared and read back', () => {
    const fd = openSync('/dev/null', 'r');
    try {
      for (const close of [false, true, false]) {
        setCloseOnExec(fd, close);
        expect(isCloseOnExec(fd)).toBe(close);
      }
    } finally {
      closeSync(fd);
    }
  });

  test('a failing call has the name of its error', () => {
    const fd = openSync('/dev/null', 'r');
    closeSync(fd);
    expect(() => isCloseOnExec(fd)).toThrow(SystemError);
    expect(() => isCloseOnExec(fd)).toThrow('fcntl: EBADF');
    expect(prctl(9999)).toBe('EINVAL');
  });

  test('an executable memfd is an empty file that is closed by exec', () => {
    const fd = memfdExecutable('test');
    try {
      expect(isCloseOnExec(fd)).toBe(true);
      expect(fstatSync(fd).mode & 0o111).not.toBe(0);
      writeSync(fd, 'x', 0);
      const byte = Buffer.alloc(2);
      expect(readSync(fd, byte, 0, 2, 0)).toBe(1);
    } finally {
      closeSync(fd);
    }
  });
});

describe('probing PR_SET_MM', () => {
  const identity = () => {
    const field = statFields();
    const numbers = [26, 27, 28, 45, 46, 47, 48, 49, 50, 51].map(field);
    return [numbers, ...['cmdline', 'environ'].map((name) => readFileSync(`/proc/self/${name}`, 'latin1'))];
  };

  test('leaves this process as it was', () => {
    const before = identity();
    lowestMmField();
    probeMmMap();
    probeMmField();
    probeExeFile('map');
    probeExeFile('field');
    expect(identity()).toEqual(before);
  });

  test('says yes, or names the error', () => {
    const size = mmMapSize();
    if (typeof size === 'string') expect(probeMmMap()).toMatch(/^E/);
    else expect([size, probeMmMap()]).toEqual([104, undefined]);
  });

  test('finds the exe file settable for those with the capability, and nobody else', () => {
    const allowed = hasCapability(CAPABILITY.SYS_ADMIN) || hasCapability(CAPABILITY.CHECKPOINT_RESTORE);
    if (typeof mmMapSize() === 'number') expect(probeExeFile('map')).toBe(allowed ? undefined : 'EPERM');
  });

  test('finds the calls by field allowed, all or none, and only with their capability', () => {
    const allowed = probeMmField() === undefined;
    expect(probeExeFile('field')).toBe(allowed ? undefined : 'EPERM');
    if (allowed) expect(hasCapability(CAPABILITY.SYS_RESOURCE)).toBe(true);
  });

  test('the lowest field is a page, and what lies below it is refused', () => {
    const lowest = lowestMmField();
    expect(lowest % 4096n).toBe(0n);
    if (typeof mmMapSize() === 'number') expect(probeMmMap(0n)).toBe('EINVAL');
  });
});
