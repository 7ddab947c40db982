/**
 * Processes that were never there: with everything that a checkpoint can hold, at random, and such as the kernel could have
 * made them. Memory is what a function of the address says.
 */
import type { CoreInput } from '../../loaders/core/write.ts';
import { MM_FIELD_NAMES, type MmFieldName } from '../../src/image/mm-field-names.ts';
import {
  type Descriptor,
  type FileReference,
  type Mapping,
  type OpenFile,
  type ProcessState,
  REGISTER_NAMES,
  type Registers,
  type StoredContent,
  type ThreadState,
  VM_FLAGS,
} from '../../src/image/process-state.ts';
import type { Random } from './random.ts';

const PAGE = 0x1000n;
const USER_LIMIT = 0x7fff_ffff_f000n;

export const bytesAt = (address: bigint): number => Number((address * 7n + (address >> 12n)) & 0xffn);

/** What writeCore takes. */
export interface TestProcess extends CoreInput {
  readonly state: ProcessState;
}

const u64 = (random: Random): bigint => random.bigBelow(1n << 64n);
const address = (random: Random): bigint => random.bigBelow(USER_LIMIT);
const maybe = <T>(random: Random, make: () => T): T | undefined => (random.chance(1, 2) ? make() : undefined);
const times = <T>(random: Random, most: number, make: (index: number) => T): T[] =>
  Array.from({ length: random.below(most + 1) }, (_, index) => make(index));

/** Bytes that may be no text. */
function path(random: Random): Uint8Array {
  const bytes = random.chance(1, 4)
    ? random.bytes(1 + random.below(30))
    : Buffer.from(`tmp/é ${random.next()}`);
  return Buffer.concat([Buffer.from('/'), bytes.map((byte) => (byte === 0 ? 1 : byte))]);
}

function file(random: Random): FileReference {
  return withoutUndefined({
    path: path(random),
    size: maybe(random, () => random.bigBelow(1n << 63n)),
    mtimeNs: maybe(random, () => u64(random)),
    buildId: maybe(random, () => random.bytes(20)),
  });
}

/** Fields that are not there are not there: as whoever reads a file makes them. */
export function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}

function registers(random: Random): Registers {
  const values = Object.fromEntries(REGISTER_NAMES.map((name) => [name, u64(random)])) as Record<
    (typeof REGISTER_NAMES)[number],
    bigint
  >;
  for (const name of ['rip', 'rsp', 'fs_base', 'gs_base'] as const) values[name] = address(random);
  for (const name of ['ds', 'es', 'fs', 'gs'] as const) values[name] = 0n;
  return { ...values, cs: 0x33n, ss: 0x2bn, eflags: 0x246n };
}

/** x87 and SSE in use, on a processor that has AVX, too. */
function xstate(random: Random): Uint8Array {
  const bytes = random.bytes(832);
  const view = new DataView(bytes.buffer);
  bytes.fill(0, 464, 576);
  view.setUint32(24, 0x1f80, true);
  view.setBigUint64(464, 7n, true);
  view.setBigUint64(512, BigInt(random.below(8)), true);
  return bytes;
}

function siginfo(random: Random): Uint8Array {
  const bytes = random.bytes(128);
  new DataView(bytes.buffer).setInt32(0, 1 + random.below(64), true);
  return bytes;
}

function thread(tid: number, random: Random): ThreadState {
  const state = maybe(random, () => xstate(random));
  return withoutUndefined({
    tid,
    comm: random.bytes(random.below(16)).map((byte) => byte || 65),
    registers: registers(random),
    xstate: state,
    fpregs: state?.slice(0, 512) ?? new Uint8Array(512),
    signalMask: u64(random),
    pending: times(random, 3, () => siginfo(random)),
    alternateStack: maybe(random, () => ({ address: address(random) / 2n, size: 0x4000n, flags: 2 })),
    clearChildTid: address(random),
    robustList: maybe(random, () => ({ head: address(random), size: 24n })),
    rseq: maybe(random, () => ({
      address: (address(random) / 64n) * 32n,
      size: 32,
      signature: random.next(),
      flags: 0,
    })),
    schedule: maybe(random, () => ({
      policy: random.below(4),
      priority: random.below(100),
      nice: random.below(40) - 20,
      processors: [0, 3, 64],
    })),
    timerSlackNs: maybe(random, () => u64(random)),
  });
}

/** Each kind of open file once, and some more; `stored` counts the objects. */
function openFiles(random: Random): { files: OpenFile[]; stored: StoredContent[] } {
  const stored: StoredContent[] = [];
  const content = (): StoredContent => {
    const each = { object: stored.length, size: 1n + random.bigBelow(0x10000n) };
    stored.push(each);
    return each;
  };
  const flags = random.next();
  const position = random.bigBelow(1n << 63n);
  const files: OpenFile[] = [
    { flags, kind: 'standard stream', what: 'pipe:[12345]' },
    { flags, kind: 'file', file: file(random), position },
    { flags, kind: 'directory', path: path(random), position },
    { flags, kind: 'device', path: Buffer.from('/dev/null'), terminal: random.chance(1, 2) },
    { flags, kind: 'deleted file', path: path(random), position, mode: 0o640, content: content() },
    {
      flags,
      kind: 'memfd',
      name: Buffer.from([0xff, 0x41]),
      position,
      mode: 0o777,
      seals: 3,
      content: content(),
    },
    { flags, kind: 'shared memory', content: content() },
    { flags, kind: 'pipe', pipe: 77, end: 'read', capacity: 65536, content: content() },
    { flags, kind: 'pipe', pipe: 77, end: 'write', capacity: 65536 },
    { flags, kind: 'eventfd', count: u64(random), semaphore: random.chance(1, 2) },
    { flags, kind: 'signalfd', mask: u64(random) },
    { flags, kind: 'timerfd', clock: 1, setFlags: 1, ticks: u64(random), valueNs: 5n, intervalNs: 6n },
    { flags, kind: 'epoll', watches: [{ descriptor: 1, events: random.next(), data: u64(random) }] },
    { flags, kind: 'skipped', what: 'socket:[99]' },
  ];
  return { files, stored };
}

function mappings(random: Random, objectFiles: readonly number[]): Mapping[] {
  const made: Mapping[] = [];
  let at = 0x10000n + random.bigBelow(0x1000n) * PAGE;
  const add = (backing: Mapping['backing'], pages: number, changes: Partial<Mapping> = {}) => {
    const end = at + BigInt(pages) * PAGE;
    const name = backing.kind === 'anonymous' ? maybe(random, () => Buffer.from('arena: ü')) : undefined;
    const protection = {
      read: random.chance(3, 4),
      write: random.chance(1, 2),
      execute: random.chance(1, 3),
    };
    made.push({
      start: at,
      end,
      protection,
      shared: random.chance(1, 4),
      growsDown: false,
      backing,
      flags: VM_FLAGS.filter(() => random.chance(1, 8)),
      ...(name && { name }),
      ...changes,
    });
    at = end + random.bigBelow(3n) * PAGE;
  };
  for (let index = random.below(12); index >= 0; index--) {
    const pages = 1 + random.below(40);
    if (random.chance(1, 3))
      add({ kind: 'file', file: file(random), offset: random.bigBelow(9n) * PAGE }, pages);
    else if (random.chance(1, 4))
      add({ kind: 'object', openFile: random.pick(objectFiles), offset: 0n }, pages, { shared: true });
    else add({ kind: 'anonymous' }, pages, { shared: false });
  }
  at = 0x7ffc_0000_0000n;
  add({ kind: 'anonymous' }, 33, { shared: false, growsDown: true });
  add({ kind: 'vvar' }, 4, { shared: false });
  add({ kind: 'vvar_vclock' }, 2, { shared: false });
  add({ kind: 'vdso' }, 2, { shared: false });
  return made;
}

function mm(random: Random): ProcessState['mm'] {
  const names = MM_FIELD_NAMES.filter((name): name is Exclude<MmFieldName, 'auxv'> => name !== 'auxv');
  const values = names.map(() => address(random)).sort((one, other) => (one < other ? -1 : 1));
  const fields = Object.fromEntries(names.map((name, index) => [name, values[index] ?? 0n]));
  return fields as ProcessState['mm'];
}

/** All that a checkpoint can hold. */
export function randomProcess(random: Random): TestProcess {
  const { files, stored } = openFiles(random);
  const objectFiles = [4, 5, 6];
  const maps = mappings(random, objectFiles);
  const vdsoMapping = maps.at(-1);
  const pid = 2 + random.below(4_000_000);
  const tids = [pid, ...times(random, 4, (index) => 4_000_003 + index)];
  const descriptors: Descriptor[] = files.map((_, index) => ({
    number: index === 0 ? 0 : index * 2,
    closeOnExec: random.chance(1, 2),
    openFile: index,
  }));
  const state: ProcessState = withoutUndefined({
    ids: { pid, ppid: random.below(4_000_000), pgid: pid, sid: 1 },
    comm: Buffer.from('état'),
    exe: file(random),
    cwd: path(random),
    root: Buffer.from('/'),
    umask: random.below(0o1000),
    personality: random.next(),
    mm: mm(random),
    auxv: Buffer.concat([random.bytes(16 * random.below(20)), Buffer.alloc(16)]),
    mappings: maps,
    vdso: vdsoMapping && {
      address: vdsoMapping.start,
      image: Uint8Array.from({ length: 2 * Number(PAGE) }, (_, at) =>
        bytesAt(vdsoMapping.start + BigInt(at)),
      ),
      buildId: random.bytes(20),
    },
    signalActions: times(random, 8, (index) => ({
      signal: index + 1,
      handler: address(random),
      flags: u64(random),
      restorer: address(random),
      mask: u64(random),
    })),
    pending: times(random, 3, () => siginfo(random)),
    intervalTimers: times(random, 3, (which) => ({
      which: which as 0 | 1 | 2,
      valueUs: random.bigBelow(1n << 60n),
      intervalUs: random.bigBelow(1n << 60n),
    })),
    posixTimers: times(random, 4, (index) =>
      withoutUndefined({
        id: index * 3,
        clock: random.below(100) - 100,
        notify: 4,
        tid: maybe(random, () => pid),
        signal: 1 + random.below(64),
        value: u64(random),
        valueNs: random.bigBelow(1n << 60n),
        intervalNs: random.bigBelow(1n << 60n),
      }),
    ),
    limits: times(random, 16, (resource) => ({ resource, soft: 5n, hard: (1n << 64n) - 1n })),
    credentials: maybe(random, () => ({
      uids: [0, 1, 2, 3] as const,
      gids: [4, 5, 6, 7] as const,
      groups: times(random, 5, () => random.below(2 ** 32 - 1)),
      capabilities: {
        inheritable: u64(random),
        permitted: u64(random),
        effective: u64(random),
        bounding: u64(random),
        ambient: u64(random),
      },
      secureBits: random.below(256),
    })),
    attributes: {
      dumpable: random.below(3),
      noNewPrivileges: random.chance(1, 2),
      childSubreaper: random.chance(1, 2),
      parentDeathSignal: random.below(65),
      thpDisabled: random.chance(1, 2),
      nice: random.below(40) - 20,
      oomScoreAdjust: random.below(2001) - 1000,
    },
    threads: tids.map((tid) => thread(tid, random)),
    descriptors,
    openFiles: files,
    locks: times(random, 3, () =>
      withoutUndefined({
        kind: random.pick(['posix', 'ofd', 'flock'] as const),
        write: random.chance(1, 2),
        descriptor: 2,
        start: 7n,
        end: maybe(random, () => 99n),
      }),
    ),
    machine: { release: '6.18.0-test', cpuFlags: ['fpu', 'sse2'] },
    lost: times(random, 2, (index) => `something ${index}`),
  });
  return {
    state,
    runs: runsIn(maps, random),
    objects: stored.map(({ size }) => ({
      extents: random.chance(1, 3) ? [] : [{ at: 0n, size: 1n + random.bigBelow(size) }],
      read: fill,
    })),
    read: fill,
  };
}

export function fill(at: bigint, into: Uint8Array): void {
  for (let index = 0; index < into.length; index++) into[index] = bytesAt(at + BigInt(index));
}

/** Some pages of each mapping that has pages of its own. */
function runsIn(maps: readonly Mapping[], random: Random): TestProcess['runs'] {
  return maps.flatMap(({ start, end, backing, shared }) => {
    if (shared || (backing.kind !== 'anonymous' && backing.kind !== 'file')) return [];
    const runs: { address: bigint; size: bigint }[] = [];
    for (let at = start; at < end; at += PAGE) {
      const last = runs.at(-1);
      if (random.chance(1, 3)) continue;
      if (last !== undefined && last.address + last.size === at)
        runs[runs.length - 1] = { ...last, size: last.size + PAGE };
      else runs.push({ address: at, size: PAGE });
    }
    return runs;
  });
}
