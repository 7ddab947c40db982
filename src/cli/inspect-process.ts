/** What `run-foreign inspect` says of a process that goes on: what it is, its threads, descriptors and memory, and what it will lack. */
import { hex } from '../errors.ts';
import type { ProgramImage, ResumedProcess, Segment } from '../image/image.ts';
import { permissions } from '../image/permissions.ts';
import type { Mapping, OpenFile, ProcessState } from '../image/process-state.ts';

/** A name and what there is to say. */
export type Fact = readonly [string, string];

const shown = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? 'not known' : Buffer.from(bytes).toString();

const KIB = 1024n;
const size = (bytes: bigint): string => `${bytes / KIB} KiB`;

export function processFacts({ state }: ResumedProcess, segments: readonly Segment[]): Fact[] {
  const { ids, comm, exe, cwd, root, umask, credentials, machine, threads, descriptors } = state;
  const [{ stored }, mapped] = [storedOf(segments), mappedBytes(state)];
  return [
    ['process', `${ids.pid}, ${shown(comm)}`],
    ['exe', exe.path.length === 0 ? 'not known' : shown(exe.path)],
    ['directory', shown(cwd)],
    ...(root.length > 1 ? ([['root', shown(root)]] as const) : []),
    ['umask', umask === undefined ? 'not known' : `0${umask.toString(8)}`],
    [
      'user',
      credentials === undefined ? 'not known' : `${credentials.uids[1]}, group ${credentials.gids[1]}`,
    ],
    ['threads', String(threads.length)],
    ['descriptors', descriptors === undefined ? 'not known' : String(descriptors.length)],
    [
      'memory',
      `${size(mapped)} in ${state.mappings.length} mappings, of which ${size(stored)} are in the file`,
    ],
    ['files', filesText(state)],
    ...(machine.release === '' ? [] : ([['kernel', machine.release]] as const)),
    ...state.lost.map((each) => ['lacks', each] as const),
  ];
}

function filesText({ mappings }: ProcessState): string {
  const paths = mappings.flatMap(({ backing }) =>
    backing.kind === 'file' ? [shown(backing.file.path)] : [],
  );
  const needed = [...new Set(paths)];
  return needed.length === 0 ? 'none are needed' : `needs ${needed.join(', ')}`;
}

const mappedBytes = ({ mappings }: ProcessState): bigint =>
  mappings.reduce((sum, { start, end }) => sum + (end - start), 0n);

/** Bytes of memory in the file, in all and from one address to another. */
function storedOf(segments: readonly Segment[]): {
  stored: bigint;
  within: (mapping: Pick<Mapping, 'start' | 'end'>) => bigint;
} {
  const sum = (some: readonly Segment[]) =>
    some.reduce((total, { content }) => total + BigInt(content?.size ?? 0), 0n);
  return {
    stored: sum(segments),
    within: ({ start, end }) => sum(segments.filter(({ address }) => start <= address && address < end)),
  };
}

export function processLines({ state }: ResumedProcess, { segments }: ProgramImage): string[] {
  const { within } = storedOf(segments);
  const { threads, descriptors, openFiles, mappings } = state;
  return [
    'threads:',
    `  ${'number'.padEnd(8)} ${'at'.padEnd(18)} ${'stack'.padEnd(18)} name`,
    ...threads.map(
      ({ tid, comm, registers: { rip, rsp } }) =>
        `  ${String(tid).padEnd(8)} ${hex(rip).padEnd(18)} ${hex(rsp).padEnd(18)} ${shown(comm)}`,
    ),
    ...(descriptors === undefined
      ? []
      : [
          '',
          'descriptors:',
          ...descriptors.map(
            ({ number, openFile }) => `  ${String(number).padEnd(8)} ${fileText(openFiles[openFile])}`,
          ),
        ]),
    '',
    'mappings:',
    `  ${'address'.padEnd(18)} ${'size'.padEnd(11)} ${'in file'.padEnd(11)} rwx what`,
    ...mappings.map((mapping) => {
      const bytes = hex(mapping.end - mapping.start).padEnd(11);
      const stored = hex(within(mapping)).padEnd(11);
      return `  ${hex(mapping.start).padEnd(18)} ${bytes} ${stored} ${permissions(mapping.protection)} ${mappingText(mapping, state)}`;
    }),
  ];
}

function mappingText(mapping: Mapping, { openFiles, mm }: ProcessState): string {
  const { backing, shared, name, start, end } = mapping;
  const before = shared ? 'shared, ' : '';
  switch (backing.kind) {
    case 'file':
      return `${before}${shown(backing.file.path)} from ${hex(backing.offset)}`;
    case 'object':
      return before + fileText(openFiles[backing.openFile]);
    case 'anonymous':
      if (start <= mm.start_stack && mm.start_stack < end) return '[stack]';
      if (start < mm.brk && mm.start_brk < end) return '[heap]';
      return before + (name === undefined ? 'memory' : `memory called ${shown(name)}`);
    default:
      return `[${backing.kind}]`;
  }
}

function fileText(file: OpenFile | undefined): string {
  if (file === undefined) return 'nothing';
  switch (file.kind) {
    case 'file':
      return `${shown(file.file.path)} at ${file.position}`;
    case 'directory':
    case 'device':
      return `${file.kind} ${shown(file.path)}`;
    case 'deleted file':
      return `${shown(file.path)} (deleted), ${file.content.size} bytes`;
    case 'memfd':
      return `memfd ${shown(file.name)}, ${file.content.size} bytes`;
    case 'shared memory':
      return `shared memory, ${file.content.size} bytes`;
    case 'pipe':
      return `pipe ${file.pipe}, ${file.end} end${file.content === undefined ? '' : `, ${file.content.size} bytes in it`}`;
    case 'standard stream':
    case 'skipped':
      return `${file.what} (${file.kind})`;
    default:
      return file.kind;
  }
}

/** Numbers that can be addresses are strings `0x…`, what is not known is null. */
export function processJson({ state }: ResumedProcess, { segments }: ProgramImage) {
  const { within, stored } = storedOf(segments);
  const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? null : shown(bytes));
  return {
    ...state.ids,
    comm: shown(state.comm),
    exe: state.exe.path.length === 0 ? null : shown(state.exe.path),
    cwd: text(state.cwd),
    umask: state.umask ?? null,
    kernel: state.machine.release || null,
    threads: state.threads.map(({ tid, comm, registers: { rip, rsp } }) => ({
      tid,
      comm: shown(comm),
      rip: hex(rip),
      rsp: hex(rsp),
    })),
    descriptors:
      state.descriptors?.map(({ number, closeOnExec, openFile }) => ({
        number,
        closeOnExec,
        kind: state.openFiles[openFile]?.kind ?? null,
        what: fileText(state.openFiles[openFile]),
      })) ?? null,
    memory: { mapped: hex(mappedBytes(state)), stored: hex(stored) },
    mappings: state.mappings.map((mapping) => ({
      start: hex(mapping.start),
      end: hex(mapping.end),
      protection: permissions(mapping.protection),
      shared: mapping.shared,
      kind: mapping.backing.kind,
      path: mapping.backing.kind === 'file' ? shown(mapping.backing.file.path) : null,
      stored: hex(within(mapping)),
    })),
    lost: state.lost,
  };
}
