import { describe, expect, test } from 'vitest';
import type { ProgramImage, ResumedProcess } from '../../src/image/image.ts';
import type { Mapping, ProcessState, ThreadState } from '../../src/image/process-state.ts';
import { validateImage } from '../../src/image/validate.ts';
import { memorySource } from '../../src/source/memory.ts';
import { testImage } from '../support/images.ts';
import { randomProcess } from '../support/process-state.ts';
import { Random } from '../support/random.ts';

const LIMIT = 0x7fff_ffff_f000n;
const PAGE = 0x1000n;

type Change = (state: ProcessState) => Partial<ProcessState>;

const { state: whole } = randomProcess(new Random(3));

function imageOf(state: ProcessState, changes: Partial<ProgramImage> = {}): ProgramImage {
  const process: ResumedProcess = { state, objects: [] };
  return { ...testImage(), segments: [], process, ...changes };
}

const refusal = (state: ProcessState, changes?: Partial<ProgramImage>): string | undefined => {
  try {
    validateImage(imageOf(state, changes), LIMIT);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'IMAGE_REFUSED' });
    return (error as Error).message;
  }
};

const thread =
  (change: (first: ThreadState) => Partial<ThreadState>): Change =>
  ({ threads: [first, ...others] }) => ({
    threads: first === undefined ? [] : [{ ...first, ...change(first) }, ...others],
  });

const registers = (change: Partial<ThreadState['registers']>): Change =>
  thread((first) => ({ registers: { ...first.registers, ...change } }));

const mapping =
  (change: (first: Mapping) => Partial<Mapping>): Change =>
  ({ mappings: [first, ...others] }) => ({
    mappings: first === undefined ? [] : [{ ...first, ...change(first) }, ...others],
  });

const xstate = (change: (bytes: Uint8Array, view: DataView) => void): Change =>
  thread(() => {
    const bytes = new Uint8Array(832);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(464, 7n, true);
    change(bytes, view);
    return { xstate: bytes };
  });

const REFUSED: readonly (readonly [string, Change, RegExp])[] = [
  ['no mappings', () => ({ mappings: [] }), /0 mappings/],
  ['half a page', mapping(({ end }) => ({ end: end - 1n })), /no whole pages/],
  ['an empty mapping', mapping(({ start }) => ({ end: start })), /no whole pages/],
  [
    'kernel addresses',
    ({ mappings }) => ({
      mappings: [...mappings, { ...first(mappings), start: 1n << 63n, end: (1n << 63n) + PAGE }],
    }),
    /past the last user address/,
  ],
  [
    'mappings over each other',
    ({ mappings }) => ({ mappings: [first(mappings), ...mappings] }),
    /lies over the one before/,
  ],
  ['a path that is relative', mapping(() => ({ backing: file('bin/sh', 0n) })), /no path/],
  ['a path with a NUL', mapping(() => ({ backing: file('/bin/\0sh', 0n) })), /no path/],
  [
    'a file offset within a page',
    mapping(() => ({ backing: file('/bin/sh', 1n) })),
    /impossible file offset/,
  ],
  [
    'a file offset past all files',
    mapping(() => ({ backing: file('/bin/sh', (1n << 63n) - PAGE * 0n) })),
    /impossible file offset/,
  ],
  [
    'an object that is not there',
    mapping(() => ({ backing: { kind: 'object', openFile: 99, offset: 0n } })),
    /file 99 of/,
  ],
  [
    'an object without bytes',
    mapping(() => ({ backing: { kind: 'object', openFile: 9, offset: 0n } })),
    /eventfd/,
  ],
  [
    'a file that grows down',
    mapping(() => ({ growsDown: true, backing: file('/bin/sh', 0n) })),
    /grows down/,
  ],
  ['two vDSOs', mapping(() => ({ backing: { kind: 'vdso' } })), /more than one/],
  ['a vDSO elsewhere', ({ vdso }) => ({ vdso: vdso && { ...vdso, address: 0x1000n } }), /no \[vdso\]/],
  [
    'half a vDSO',
    ({ vdso }) => ({ vdso: vdso && { ...vdso, image: new Uint8Array(9) } }),
    /of which 9 are there/,
  ],
  ['no threads', () => ({ threads: [] }), /0 threads/],
  ['another leader', thread(() => ({ tid: 1 })), /first thread is 1/],
  ['a thread twice', ({ threads }) => ({ threads: [...threads, ...threads] }), /there twice/],
  ['the kernel’s code', registers({ rip: 0xffff_ffff_8100_0000n }), /in rip/],
  ['a base outside', registers({ fs_base: LIMIT }), /in fs_base/],
  ['the kernel’s segment', registers({ cs: 0x10n }), /cs 0x10/],
  ['32-bit code', registers({ cs: 0x23n }), /only 64-bit code/],
  ['the kernel’s stack segment', registers({ ss: 0x18n }), /ss 0x18/],
  ['the right to use ports', registers({ eflags: 0x3246n }), /privileged flags/],
  ['virtual 8086 mode', registers({ eflags: 0x2_0246n }), /privileged flags/],
  ['a register of 65 bits', registers({ rax: 1n << 64n }), /no 64-bit number in rax/],
  ['a negative register', registers({ rax: -1n }), /no 64-bit number in rax/],
  ['a wide selector', registers({ ds: 0x1_0000n }), /in ds/],
  ['short floating point registers', thread(() => ({ fpregs: new Uint8Array(511) })), /511 bytes/],
  ['a short XSAVE area', thread(() => ({ xstate: new Uint8Array(575) })), /575 bytes/],
  ['the compacted form', xstate((_, view) => view.setBigUint64(520, 1n << 63n, true)), /standard form/],
  ['reserved bytes of the header', xstate((bytes) => bytes.fill(1, 575, 576)), /standard form/],
  ['state that was not enabled', xstate((_, view) => view.setBigUint64(512, 1n << 9n, true)), /XSTATE_BV/],
  ['reserved bits of MXCSR', xstate((_, view) => view.setUint32(24, 0x8000_1f80, true)), /MXCSR/],
  ['a signal 0', () => ({ pending: [new Uint8Array(128)] }), /signal waiting: 0/],
  ['half a siginfo', () => ({ pending: [new Uint8Array(3)] }), /3 bytes/],
  ['a handler of SIGKILL', () => ({ signalActions: [action(9)] }), /signal 9/],
  ['two handlers', () => ({ signalActions: [action(2), action(2)] }), /two actions/],
  [
    'a handler in the kernel',
    () => ({ signalActions: [{ ...action(2), handler: 1n << 63n }] }),
    /no user address/,
  ],
  ['a robust list of another size', thread(() => ({ robustList: { head: 0x1000n, size: 25n } })), /25/],
  [
    'an unaligned rseq',
    thread(() => ({ rseq: { address: 0x1001n, size: 32, signature: 0, flags: 0 } })),
    /restartable/,
  ],
  ['a name of 16 bytes', () => ({ comm: new Uint8Array(16).fill(65) }), /impossible name/],
  ['a relative directory', () => ({ cwd: Buffer.from('tmp') }), /working directory/],
  [
    'a program that ends before it begins',
    ({ mm }) => ({ mm: { ...mm, start_code: mm.end_code + 1n } }),
    /start_code/,
  ],
  ['an auxv without an end', () => ({ auxv: new Uint8Array(16).fill(1) }), /AT_NULL/],
  [
    'a descriptor twice',
    ({ descriptors = [] }) => ({ descriptors: [...descriptors, ...descriptors] }),
    /not behind/,
  ],
  [
    'a descriptor of nothing',
    () => ({ descriptors: [{ number: 0, closeOnExec: false, openFile: 99 }] }),
    /file 99/,
  ],
  [
    'a number above all',
    () => ({ descriptors: [{ number: 1 << 20, closeOnExec: false, openFile: 1 }] }),
    /above all/,
  ],
  [
    'a stream that is no standard one',
    ({ descriptors = [] }) => ({ descriptors: descriptors.slice(1), locks: [] }),
    /none of descriptors 0 to 2/,
  ],
  [
    'a lock of nothing',
    () => ({ locks: [{ kind: 'posix', write: true, descriptor: 77, start: 0n }] }),
    /descriptor 77/,
  ],
  [
    'an empty lock',
    () => ({ locks: [{ kind: 'posix', write: true, descriptor: 2, start: 5n, end: 5n }] }),
    /no range/,
  ],
  ['timers out of order', () => ({ posixTimers: [timer(4), timer(4)] }), /not behind/],
  ['a negative time', () => ({ posixTimers: [{ ...timer(1), valueNs: -1n }] }), /impossible time/],
  ['a limit above its own', () => ({ limits: [{ resource: 7, soft: 2n, hard: 1n }] }), /limit 7/],
  ['a limit that does not exist', () => ({ limits: [{ resource: 16, soft: 1n, hard: 1n }] }), /limit 16/],
  [
    'an id that means no change',
    () => ({ credentials: { ...CREDENTIALS, uids: [0, 2 ** 32 - 1, 0, 0] } }),
    /user or group/,
  ],
];

function first(mappings: readonly Mapping[]): Mapping {
  const [found] = mappings;
  if (found === undefined) throw new Error('no mappings');
  return found;
}

const file = (path: string, offset: bigint): Mapping['backing'] => ({
  kind: 'file',
  file: { path: Buffer.from(path) },
  offset,
});
const action = (signal: number) => ({ signal, handler: 1n, flags: 0n, restorer: 0n, mask: 0n });
const timer = (id: number) => ({
  id,
  clock: 1,
  notify: 1,
  signal: 14,
  value: 0n,
  valueNs: 0n,
  intervalNs: 0n,
});
const CREDENTIALS = {
  uids: [0, 0, 0, 0] as const,
  gids: [0, 0, 0, 0] as const,
  groups: [],
  capabilities: { inheritable: 0n, permitted: 0n, effective: 0n, bounding: 0n, ambient: 0n },
  secureBits: 0,
};

describe('a process that goes on', () => {
  test('is taken as the kernel could have made it', () => {
    expect(refusal(whole)).toBeUndefined();
  });

  test.each(REFUSED)('is refused with %s', (_, change, why) => {
    expect(refusal({ ...whole, ...change(whole) })).toMatch(why);
  });

  test('is refused as a program of 32 bits', () => {
    expect(refusal(whole, { arch: 'i386' })).toMatch(/x86-64/);
  });
});

describe('the bytes of a process', () => {
  const anonymous = whole.mappings.find(({ growsDown }) => growsDown);
  if (anonymous === undefined) throw new Error('no stack');
  const { start, end } = anonymous;
  const bytes = memorySource(new Uint8Array(0x4000), 'bytes');
  const segment = (address: bigint, size: bigint, offset = 0, inFile = Number(size)) => ({
    name: 'PT_LOAD 1',
    address,
    size,
    content: { source: bytes, offset, size: inFile },
    protection: { read: true, write: true, execute: false },
  });

  test('are taken in whole pages of a mapping', () => {
    expect(
      refusal(whole, { segments: [segment(start + PAGE, PAGE, 3), segment(start, PAGE)] }),
    ).toBeUndefined();
  });

  test.each([
    ['in half pages', [segment(start, PAGE / 2n)], /no whole pages/],
    ['over each other', [segment(start, PAGE * 2n), segment(start + PAGE, PAGE)], /lies over/],
    ['that are not all there', [segment(start, PAGE * 2n, 0, 4096)], /does not have them/],
    ['past the end of the file', [segment(start, PAGE, 0x3001)], /does not have them/],
    ['at half an offset', [segment(start, PAGE, 0.5)], /does not have them/],
    ['in no mapping', [segment(end, PAGE)], /in no mapping/],
    ['across its end', [segment(end - PAGE, PAGE * 2n)], /in no mapping/],
  ])('are refused %s', (_, segments, why) => {
    expect(refusal(whole, { segments })).toMatch(why);
  });

  test('of an object end where it does', () => {
    const extent = (at: bigint) => ({ at, content: { source: bytes, offset: 0, size: 4096 } });
    const process = (at: bigint) => ({ process: { state: whole, objects: [[extent(at)]] } });
    expect(refusal(whole, process(1n << 20n))).toMatch(/behind its end/);
    expect(refusal(whole, process(-1n))).toMatch(/object 0/);
  });
});
