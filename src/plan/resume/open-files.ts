/** What descriptors are open on: open file descriptions, by the kinds that a process can have for itself. */
import type { OpenFile } from '../../image/process-state.ts';
import type { ResumeStep, Value } from '../resume-plan.ts';
import type { ResumeContext } from './context.ts';
import { AT_FDCWD, F, O, SEEK_SET, SIGSET_SIZE } from './kernel.ts';
import { isStored, LOW, objectFile, openAbove } from './objects.ts';
import { call, shown, text, u32s, u64s } from './steps.ts';

/** Both ends of pipes that are there already, and the ends that a description has been made of. */
export type Pipes = Map<number, { readonly used: Set<string> }>;

/** What fcntl(F_SETFL) can set. */
const STATUS_FLAGS = O.APPEND | O.NONBLOCK | O.DIRECT;
/** What an open file does not get when it is opened again: those make or cut a file, or belong to another call. */
const ONCE = O.CREAT | O.EXCL | O.TRUNC | O.NOCTTY | O.ASYNC | O.TMPFILE | O.CLOEXEC;
const EFD_SEMAPHORE = 1;
/** What is copied into a pipe at once. */
const PIPE_PIECE = 65536;

/** The name under which an open file description is kept. */
export const opened = (index: number): string => `open ${index}`;

/** Opens a description, kept as `opened(index)`. `number` is a descriptor of it, for messages. */
export function openSteps(index: number, number: number, context: ResumeContext, pipes: Pipes): ResumeStep[] {
  const file = context.state.openFiles[index];
  if (file === undefined || file.kind === 'skipped' || file.kind === 'standard stream') return [];
  const what = `open descriptor ${number} again`;
  const keep = { keep: 'low' } as const;
  const above = (open: ResumeStep[]) => openAbove(open, opened(index), context.above);
  const nonblock = file.flags & O.NONBLOCK;
  switch (file.kind) {
    case 'file':
    case 'directory':
    case 'device':
      return [
        ...above([openPath(file.kind === 'file' ? file.file.path : file.path, file.flags, context)]),
        ...seek(index, file, number),
      ];
    case 'memfd':
    case 'deleted file':
    case 'shared memory':
      return objectDescription(index, number, file, context);
    case 'pipe':
      return pipeEnd(index, number, file, context, pipes);
    case 'eventfd': {
      const flags = nonblock | O.CLOEXEC | (file.semaphore ? EFD_SEMAPHORE : 0);
      const counted =
        file.count === 0n ? [] : [call('write', [LOW, u64s(file.count), 8], what, { expect: 8n })];
      return above([call('eventfd2', [0, flags], what, keep), ...counted]);
    }
    case 'signalfd':
      return above([call('signalfd4', [-1, u64s(file.mask), SIGSET_SIZE, nonblock | O.CLOEXEC], what, keep)]);
    case 'timerfd':
      return above([call('timerfd_create', [file.clock, nonblock | O.CLOEXEC], what, keep)]);
    case 'epoll':
      return above([call('epoll_create1', [O.CLOEXEC], what, keep)]);
  }
}

function openPath(path: Uint8Array, flags: number, { paths }: ResumeContext): ResumeStep {
  const args = [AT_FDCWD, paths.of(path), (flags & ~ONCE) | O.NOCTTY | O.CLOEXEC, 0];
  return call('openat', args, `open ${shown(path)}`, { keep: 'low' });
}

function seek(index: number, file: OpenFile, number: number): ResumeStep[] {
  if (!('position' in file) || file.position === 0n || (file.flags & O.PATH) !== 0) return [];
  const args = [{ kept: opened(index) }, file.position, SEEK_SET];
  return [call('lseek', args, `go to where descriptor ${number} was`, { expect: file.position })];
}

function setFlags(fd: Value, { flags }: OpenFile, number: number): ResumeStep {
  return call('fcntl', [fd, F.SETFL, flags & STATUS_FLAGS], `set the flags of descriptor ${number}`);
}

/** The first description of an object can be the one it was made with. */
function objectDescription(
  index: number,
  number: number,
  file: Extract<OpenFile, { kind: 'memfd' | 'deleted file' | 'shared memory' }>,
  context: ResumeContext,
): ResumeStep[] {
  const object = objectFile(file.content);
  const first = context.state.openFiles.findIndex(
    (each) => isStored(each) && each.content.object === file.content.object && isWritten(each),
  );
  const steps =
    first === index
      ? [
          call('fcntl', [object, F.DUPFD_CLOEXEC, context.above], 'number a descriptor', {
            keep: opened(index),
          }),
        ]
      : reopen(index, object, file.flags, context);
  return [
    ...steps,
    ...((file.flags & STATUS_FLAGS) === 0 ? [] : [setFlags({ kept: opened(index) }, file, number)]),
    ...(first === index
      ? [call('lseek', [object, 'position' in file ? file.position : 0n, SEEK_SET], 'set a position')]
      : seek(index, file, number)),
  ];
}

const isWritten = ({ flags }: OpenFile): boolean => (flags & O.ACCMODE) === O.RDWR;

/** A description of its own of something that is open: /proc/self/fd takes a number that is known. */
function reopen(index: number, from: Value, flags: number, { above }: ResumeContext): ResumeStep[] {
  const scratch = above - 1;
  const what = 'open a file again';
  const args = [AT_FDCWD, text(`/proc/self/fd/${scratch}`), (flags & ~ONCE) | O.CLOEXEC, 0];
  return [
    call('dup3', [from, scratch, O.CLOEXEC], what),
    ...openAbove([call('openat', args, what, { keep: 'low' })], opened(index), above),
    call('close', [BigInt(scratch)], 'close a descriptor'),
  ];
}

function pipeEnd(
  index: number,
  number: number,
  file: Extract<OpenFile, { kind: 'pipe' }>,
  context: ResumeContext,
  pipes: Pipes,
): ResumeStep[] {
  const steps: ResumeStep[] = [];
  let pipe = pipes.get(file.pipe);
  if (pipe === undefined) {
    pipe = { used: new Set() };
    pipes.set(file.pipe, pipe);
    steps.push(...makePipe(file.pipe, number, context));
  }
  const end: Value = { kept: `pipe ${file.pipe} ${file.end}` };
  if (pipe.used.has(file.end)) steps.push(...reopen(index, end, file.flags, context));
  else {
    const args = [end, F.DUPFD_CLOEXEC, context.above];
    steps.push(call('fcntl', args, 'number a descriptor', { keep: opened(index) }));
  }
  pipe.used.add(file.end);
  steps.push(setFlags({ kept: opened(index) }, file, number));
  return steps;
}

/** What is written into it must not wait for room. */
function makePipe(pipe: number, number: number, context: ResumeContext): ResumeStep[] {
  const ends = u32s(0, 0);
  const what = `make the pipe of descriptor ${number}`;
  const both = context.state.openFiles.filter((file) => file.kind === 'pipe' && file.pipe === pipe);
  const capacity = Math.max(0, ...both.map((file) => (file.kind === 'pipe' ? file.capacity : 0)));
  const write: Value = { kept: `pipe ${pipe} write` };
  const end = (name: string, plus: number): ResumeStep[] => [
    { op: 'load', from: { ...ends, plus }, size: 4, keep: 'low' },
    ...openAbove([], name, context.above),
  ];
  return [
    call('pipe2', [ends, O.CLOEXEC | O.NONBLOCK], what),
    ...end(`pipe ${pipe} read`, 0),
    ...end(`pipe ${pipe} write`, 4),
    ...(capacity > 0 ? [call('fcntl', [write, F.SETPIPE_SZ, capacity], what, { onError: 'say' })] : []),
    ...both.flatMap((file) =>
      file.kind === 'pipe' && file.content ? fillPipe(file.content.object, write, context) : [],
    ),
  ];
}

/** Copied: sendfile(2) would leave the file's own pages in the pipe. */
function fillPipe(object: number, to: Value, { objects, materials }: ResumeContext): ResumeStep[] {
  const what = 'fill a pipe';
  return (objects[object] ?? []).flatMap(({ content }) => {
    const { file, offset } = materials.locate(content);
    const buffer = { bytes: new Uint8Array(Math.min(content.size, PIPE_PIECE)) };
    const steps: ResumeStep[] = [];
    for (let at = 0; at < content.size; at += PIPE_PIECE) {
      const size = Math.min(PIPE_PIECE, content.size - at);
      const from = [{ kept: `file ${file}` }, buffer, size, offset + BigInt(at)];
      steps.push(
        call('pread64', from, what, { repeat: 'pread' }),
        call('write', [to, buffer, size], what, { expect: BigInt(size) }),
      );
    }
    return steps;
  });
}
