/** The vDSO of this kernel, made to lead to another. */
import { describe, expect, it } from 'vitest';
import { resumeHost } from '../../src/native/resume-host.ts';
import { forwardVdso } from '../../src/process/vdso-forward.ts';
import { vdsoFunctions } from '../../src/process/vdso-symbols.ts';

const { vdso } = resumeHost({ random: (length) => new Uint8Array(length) });
const image = vdso?.image ?? new Uint8Array(0);
const ADDRESS = 0x7fff_1234_5000n;
const NOTHING = { image: new Uint8Array(64), address: ADDRESS };

const codeAt = (bytes: Uint8Array, offset: number, length: number) =>
  Buffer.from(bytes.subarray(offset, offset + length)).toString('hex');
const named = (name: string) => vdsoFunctions(image).find((each) => each.name === name)?.offset ?? -1;

describe.runIf(vdso !== undefined)('the vDSO', () => {
  it('exports what vdso(7) says', () => {
    const names = vdsoFunctions(image).map(({ name }) => name);
    for (const name of ['clock_gettime', 'gettimeofday', 'time', 'getcpu', 'clock_getres'])
      expect(names).toContain(`__vdso_${name}`);
  });

  it('leads to the same functions of the other, and is otherwise as it was', () => {
    const forwarded = forwardVdso(image, 0x1000n, { image, address: ADDRESS });
    const target = ADDRESS + BigInt(named('__vdso_clock_gettime'));
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(target);
    expect(codeAt(forwarded, named('__vdso_clock_gettime'), 12)).toBe(`48b8${bytes.toString('hex')}ffe0`);
    expect(codeAt(forwarded, 0, 64)).toBe(codeAt(image, 0, 64));
    expect(vdsoFunctions(forwarded)).toEqual(vdsoFunctions(image));
  });

  it('makes the system call where the other has no such function', () => {
    const forwarded = forwardVdso(image, 0x1000n, NOTHING);
    // mov $228,%eax; syscall; ret
    expect(codeAt(forwarded, named('__vdso_clock_gettime'), 8)).toBe('b8e40000000f05c3');
    expect(codeAt(forwarded, named('__vdso_getcpu'), 8)).toBe('b8350100000f05c3');
  });

  it('never hands the state of getrandom on', () => {
    const offset = named('__vdso_getrandom');
    if (offset < 0) return;
    const forwarded = forwardVdso(image, 0x1000n, { image, address: ADDRESS });
    // cmp $-1,%r8; je; mov $318,%eax; syscall; ret; mov $-38,%rax; ret
    expect(codeAt(forwarded, offset, 22)).toBe('4983f8ff7408b83e0100000f05c348c7c0daffffffc3');
  });
});

describe('what is no vDSO', () => {
  it('has no functions, whatever is in it', () => {
    expect(vdsoFunctions(new Uint8Array(0))).toEqual([]);
    expect(vdsoFunctions(new Uint8Array(8192).fill(0xff))).toEqual([]);
    const cut = Uint8Array.from(image.subarray(0, 700));
    expect(() => vdsoFunctions(cut)).not.toThrow();
    for (let at = 0; at < Math.min(image.length, 1024); at++) {
      const damaged = Uint8Array.from(image);
      damaged[at] = 0xff;
      expect(() => vdsoFunctions(damaged)).not.toThrow();
    }
  });

  it('is refused', () => {
    expect(() => forwardVdso(new Uint8Array(8192), 0x1000n, NOTHING)).toThrow('its vDSO cannot be read');
  });
});
