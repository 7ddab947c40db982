/**
 * A process as a loader describes it, looked at as if nothing were known of it (see shape.ts): each field has the type that it must
 * have. What a process cannot be is found later (src/image/validate-state.ts).
 */
import { MM_FIELD_NAMES } from '../image/mm-field-names.ts';
import { type ProcessState, REGISTER_NAMES, VM_FLAGS } from '../image/process-state.ts';
import type { Value } from './value.ts';

type Read = (value: Value) => unknown;

const whole: Read = (value) => {
  const number = value.number();
  return Number.isSafeInteger(number) ? number : value.count();
};
const big: Read = (value) => value.bigint();
const flag: Read = (value) => value.boolean();
const text: Read = (value) => value.text();
/** A copy: nobody changes it afterwards. */
const bytes: Read = (value) => Uint8Array.from(value.bytes());
const list =
  (read: Read): Read =>
  (value) =>
    value.list(read);
const maybe =
  (read: Read): Read =>
  (value) =>
    value.maybe(read);
const one =
  (...words: readonly string[]): Read =>
  (value) =>
    value.oneOf(words);

function fields(types: Readonly<Record<string, Read>>): Read {
  const entries = Object.entries(types);
  return (value) => {
    const found: Record<string, unknown> = {};
    for (const [name, read] of entries) {
      const field = read(value.at(name));
      if (field !== undefined) found[name] = field;
    }
    return found;
  };
}

const named = (names: readonly string[], read: Read): Read =>
  fields(Object.fromEntries(names.map((name) => [name, read])));

/** By the word that `kind` is; each kind has what `common` says and its own. */
function kinds(
  common: Readonly<Record<string, Read>>,
  types: Readonly<Record<string, Readonly<Record<string, Read>>>>,
): Read {
  const words = Object.keys(types);
  const known = new Map(
    words.map((word) => [word, fields({ kind: one(word), ...common, ...types[word] })] as const),
  );
  return (value) => known.get(value.at('kind').oneOf(words))?.(value);
}

/** Made when it is needed: few starts are of processes. */
function stateReader(): Read {
  const file = fields({ path: bytes, size: maybe(big), mtimeNs: maybe(big), buildId: maybe(bytes) });
  const content = fields({ object: whole, size: big });

  const mapping = fields({
    start: big,
    end: big,
    protection: fields({ read: flag, write: flag, execute: flag }),
    shared: flag,
    growsDown: flag,
    backing: kinds(
      {},
      {
        anonymous: {},
        file: { file, offset: big },
        object: { openFile: whole, offset: big },
        vdso: {},
        vvar: {},
        vvar_vclock: {},
      },
    ),
    flags: list(one(...VM_FLAGS)),
    name: maybe(bytes),
  });

  const thread = fields({
    tid: whole,
    comm: bytes,
    registers: named(REGISTER_NAMES, big),
    xstate: maybe(bytes),
    fpregs: bytes,
    signalMask: big,
    pending: list(bytes),
    alternateStack: maybe(fields({ address: big, size: big, flags: whole })),
    clearChildTid: big,
    robustList: maybe(fields({ head: big, size: big })),
    rseq: maybe(fields({ address: big, size: whole, signature: whole, flags: whole })),
    schedule: maybe(fields({ policy: whole, priority: whole, nice: whole, processors: list(whole) })),
    timerSlackNs: maybe(big),
  });

  const openFile = kinds(
    { flags: whole },
    {
      file: { file, position: big },
      directory: { path: bytes, position: big },
      device: { path: bytes, terminal: flag },
      'deleted file': { path: bytes, position: big, mode: whole, content },
      memfd: { name: bytes, position: big, mode: whole, seals: whole, content },
      'shared memory': { content },
      pipe: { pipe: whole, end: one('read', 'write'), capacity: whole, content: maybe(content) },
      'standard stream': { what: text },
      eventfd: { count: big, semaphore: flag },
      signalfd: { mask: big },
      timerfd: { clock: whole, setFlags: whole, ticks: big, valueNs: big, intervalNs: big },
      epoll: { watches: list(fields({ descriptor: whole, events: whole, data: big })) },
      skipped: { what: text },
    },
  );

  const state = fields({
    ids: named(['pid', 'ppid', 'pgid', 'sid'], whole),
    comm: bytes,
    exe: file,
    cwd: maybe(bytes),
    root: bytes,
    umask: maybe(whole),
    personality: whole,
    mm: named(
      MM_FIELD_NAMES.filter((name) => name !== 'auxv'),
      big,
    ),
    auxv: bytes,
    mappings: list(mapping),
    vdso: maybe(fields({ address: big, image: bytes, buildId: maybe(bytes) })),
    signalActions: list(fields({ signal: whole, handler: big, flags: big, restorer: big, mask: big })),
    pending: list(bytes),
    intervalTimers: list(fields({ which: (value) => value.oneOf([0, 1, 2]), valueUs: big, intervalUs: big })),
    posixTimers: list(
      fields({
        id: whole,
        clock: whole,
        notify: whole,
        tid: maybe(whole),
        signal: whole,
        value: big,
        valueNs: big,
        intervalNs: big,
      }),
    ),
    limits: list(fields({ resource: whole, soft: big, hard: big })),
    credentials: maybe(
      fields({
        uids: list(whole),
        gids: list(whole),
        groups: list(whole),
        capabilities: named(['inheritable', 'permitted', 'effective', 'bounding', 'ambient'], big),
        secureBits: whole,
      }),
    ),
    attributes: fields({
      dumpable: whole,
      noNewPrivileges: flag,
      childSubreaper: flag,
      parentDeathSignal: whole,
      thpDisabled: flag,
      nice: whole,
      oomScoreAdjust: whole,
    }),
    threads: list(thread),
    descriptors: maybe(list(fields({ number: whole, closeOnExec: flag, openFile: whole }))),
    openFiles: list(openFile),
    locks: list(
      fields({
        kind: one('posix', 'ofd', 'flock'),
        write: flag,
        descriptor: whole,
        start: big,
        end: maybe(big),
      }),
    ),
    machine: fields({ release: text, cpuFlags: list(text) }),
    lost: list(text),
  });
  return state;
}

let reader: Read | undefined;

/** A copy of it. Throws Nonsense. */
export function readProcessState(value: Value): ProcessState {
  reader ??= stateReader();
  return reader(value) as ProcessState;
}
