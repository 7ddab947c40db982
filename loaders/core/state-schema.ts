/**
 * Our own notes: which part of a ProcessState each has, and how. docs/checkpoint-format.md specifies them; a field added later must
 * be optional, and one that changes its meaning takes a new version.
 */
import {
  type Credentials,
  type Descriptor,
  type FileLock,
  type FileReference,
  type IntervalTimer,
  type Mapping,
  type MappingBacking,
  MM_FIELD_NAMES,
  type MmFieldName,
  type OpenFile,
  type PosixTimer,
  type ProcessAttributes,
  type ProcessIds,
  type ProcessState,
  type ResourceLimit,
  type SignalAction,
  type StoredContent,
  type ThreadState,
  type VdsoState,
  VM_FLAGS,
} from 'run-foreign/loader';
import {
  array,
  boolean,
  bytes,
  i32,
  integer,
  literal,
  named,
  object,
  optional,
  type Schema,
  text,
  u32,
  u64,
  union,
  word,
} from './schema.ts';

const PATH_MAX = 4096;
const MAX_COMM = 15;
const SIGINFO_SIZE = 128;
const MAX_MAPPINGS = 1 << 20;
const MAX_THREADS = 1 << 16;
const MAX_DESCRIPTORS = 1 << 20;
const MAX_SIGNALS = 1 << 16;
const MAX_TEXT = 4096;

const pid = integer(0, 1 << 22);
const path = bytes(PATH_MAX);
const mode = integer(0, 0o7777);
const id = u32;

const fileReference = object<FileReference>({
  path,
  size: optional(u64),
  mtimeNs: optional(u64),
  buildId: optional(bytes(64, true)),
});

const storedContent = object<StoredContent>({ object: integer(0, MAX_DESCRIPTORS), size: u64 });

const backing = union<MappingBacking>({
  anonymous: object({ kind: literal('anonymous') }),
  file: object({ kind: literal('file'), file: fileReference, offset: u64 }),
  object: object({ kind: literal('object'), openFile: integer(0, MAX_DESCRIPTORS), offset: u64 }),
  vdso: object({ kind: literal('vdso') }),
  vvar: object({ kind: literal('vvar') }),
  vvar_vclock: object({ kind: literal('vvar_vclock') }),
} as never);

const mapping = object<Mapping>({
  start: u64,
  end: u64,
  protection: object({ read: boolean, write: boolean, execute: boolean }),
  shared: boolean,
  growsDown: boolean,
  backing,
  flags: array(word(VM_FLAGS), VM_FLAGS.length),
  name: optional(bytes(80)),
});

const siginfos = array(bytes(SIGINFO_SIZE, true), MAX_SIGNALS);

/** Of a thread, what NT_PRSTATUS, NT_FPREGSET and NT_X86_XSTATE do not have. */
export type ThreadNote = Omit<ThreadState, 'registers' | 'xstate' | 'fpregs'>;

/** Its bytes are those of its mapping. */
export type VdsoNote = Omit<VdsoState, 'image'>;

const thread = object<ThreadNote>({
  tid: pid,
  comm: bytes(MAX_COMM),
  signalMask: u64,
  pending: siginfos,
  alternateStack: optional(object({ address: u64, size: u64, flags: u32 })),
  clearChildTid: u64,
  robustList: optional(object({ head: u64, size: u64 })),
  rseq: optional(object({ address: u64, size: u32, signature: u32, flags: u32 })),
  schedule: optional(
    object({
      policy: integer(0, 7),
      priority: integer(0, 99),
      nice: integer(-20, 19),
      processors: array(integer(0, 8191), 8192),
    }),
  ),
  timerSlackNs: optional(u64),
});

/** What every open file has, and its own fields. */
function opened<K extends OpenFile['kind']>(
  kind: K,
  fields: object,
): Schema<Extract<OpenFile, { readonly kind: K }>> {
  return object({ kind: literal(kind), flags: u32, ...fields } as never);
}

const openFile = union<OpenFile>({
  file: opened('file', { file: fileReference, position: u64 }),
  directory: opened('directory', { path, position: u64 }),
  device: opened('device', { path, terminal: boolean }),
  'deleted file': opened('deleted file', { path, position: u64, mode, content: storedContent }),
  memfd: opened('memfd', { name: bytes(255), position: u64, mode, seals: u32, content: storedContent }),
  'shared memory': opened('shared memory', { content: storedContent }),
  pipe: opened('pipe', {
    pipe: integer(0, Number.MAX_SAFE_INTEGER),
    end: word(['read', 'write']),
    capacity: u32,
    content: optional(storedContent),
  }),
  'standard stream': opened('standard stream', { what: text(MAX_TEXT) }),
  eventfd: opened('eventfd', { count: u64, semaphore: boolean }),
  signalfd: opened('signalfd', { mask: u64 }),
  timerfd: opened('timerfd', { clock: i32, setFlags: u32, ticks: u64, valueNs: u64, intervalNs: u64 }),
  epoll: opened('epoll', {
    watches: array(
      object({ descriptor: integer(0, MAX_DESCRIPTORS), events: u32, data: u64 }),
      MAX_DESCRIPTORS,
    ),
  }),
  skipped: opened('skipped', { what: text(MAX_TEXT) }),
});

const mmNames = MM_FIELD_NAMES.filter((name): name is Exclude<MmFieldName, 'auxv'> => name !== 'auxv');

const credentials = object<Credentials>({
  uids: four(id),
  gids: four(id),
  groups: array(id, 65536),
  capabilities: named(['inheritable', 'permitted', 'effective', 'bounding', 'ambient'], u64),
  secureBits: u32,
});

function four<T>(schema: Schema<T>): Schema<readonly [T, T, T, T]> {
  const list = array(schema, 4);
  return {
    toJson: (value) => list.toJson(value),
    fromJson: (json, at) => {
      const [a, b, c, d] = list.fromJson(json, at);
      // A shorter list fails at the entry that is missing.
      const rest = [a, b, c, d].map((value, index) => value ?? schema.fromJson(undefined, `${at}[${index}]`));
      return rest as unknown as readonly [T, T, T, T];
    },
  };
}

type Part<K extends keyof ProcessState> = Pick<ProcessState, K>;

/** `RF`: what is lower, readelf(1) takes for a note of another owner. */
const OWN_TYPES = 0x5246_0000;

/** The notes by their type number (n_type), under the owner name RUNFOREIGN. */
export const NOTES = {
  process: {
    type: OWN_TYPES + 1,
    schema: object<
      Part<'ids' | 'comm' | 'exe' | 'cwd' | 'root' | 'umask' | 'personality' | 'mm' | 'machine' | 'lost'>
    >({
      ids: object<ProcessIds>({ pid, ppid: pid, pgid: pid, sid: pid }),
      comm: bytes(MAX_COMM),
      exe: fileReference,
      cwd: optional(path),
      root: path,
      umask: optional(mode),
      personality: u32,
      mm: named(mmNames, u64),
      machine: object({ release: text(MAX_TEXT), cpuFlags: array(text(64), 4096) }),
      lost: array(text(MAX_TEXT), MAX_DESCRIPTORS),
    }),
  },
  threads: {
    type: OWN_TYPES + 2,
    schema: object<{ threads: readonly ThreadNote[] }>({ threads: array(thread, MAX_THREADS) }),
  },
  memory: {
    type: OWN_TYPES + 3,
    schema: object<Part<'mappings'> & { vdso?: VdsoNote | undefined }>({
      mappings: array(mapping, MAX_MAPPINGS),
      vdso: optional(object<VdsoNote>({ address: u64, buildId: optional(bytes(64, true)) })),
    }),
  },
  signals: {
    type: OWN_TYPES + 4,
    schema: object<Part<'signalActions' | 'pending' | 'intervalTimers' | 'posixTimers'>>({
      signalActions: array(
        object<SignalAction>({ signal: integer(1, 64), handler: u64, flags: u64, restorer: u64, mask: u64 }),
        64,
      ),
      pending: siginfos,
      intervalTimers: array(
        object<IntervalTimer>({
          which: integer(0, 2) as Schema<IntervalTimer['which']>,
          valueUs: u64,
          intervalUs: u64,
        }),
        3,
      ),
      posixTimers: array(
        object<PosixTimer>({
          id: integer(0, 2 ** 31 - 1),
          clock: i32,
          notify: integer(0, 7),
          tid: optional(pid),
          signal: integer(0, 64),
          value: u64,
          valueNs: u64,
          intervalNs: u64,
        }),
        MAX_SIGNALS,
      ),
    }),
  },
  rights: {
    type: OWN_TYPES + 5,
    schema: object<Part<'limits' | 'credentials' | 'attributes'>>({
      limits: array(object<ResourceLimit>({ resource: integer(0, 15), soft: u64, hard: u64 }), 16),
      credentials: optional(credentials),
      attributes: object<ProcessAttributes>({
        dumpable: integer(0, 2),
        noNewPrivileges: boolean,
        childSubreaper: boolean,
        parentDeathSignal: integer(0, 64),
        thpDisabled: boolean,
        nice: integer(-20, 19),
        oomScoreAdjust: integer(-1000, 1000),
      }),
    }),
  },
  descriptors: {
    type: OWN_TYPES + 6,
    schema: object<Part<'descriptors' | 'openFiles' | 'locks'>>({
      descriptors: optional(
        array(
          object<Descriptor>({
            number: integer(0, MAX_DESCRIPTORS),
            closeOnExec: boolean,
            openFile: integer(0, MAX_DESCRIPTORS),
          }),
          MAX_DESCRIPTORS,
        ),
      ),
      openFiles: array(openFile, MAX_DESCRIPTORS),
      locks: array(
        object<FileLock>({
          kind: word(['posix', 'ofd', 'flock']),
          write: boolean,
          descriptor: integer(0, MAX_DESCRIPTORS),
          start: u64,
          end: optional(u64),
        }),
        MAX_DESCRIPTORS,
      ),
    }),
  },
} as const;

/** The version of all of them; a reader refuses a newer one. */
export const NOTES_VERSION = 1;
