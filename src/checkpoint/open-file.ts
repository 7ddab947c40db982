/** What one descriptor of a process is open on, as far as a checkpoint can hold it. */
import { type BigIntStats, closeSync, statSync } from 'node:fs';
import type { EpollWatch, OpenFile } from '../image/process-state.ts';
import { descriptorOf, pipeCapacity, pipeContent, sealsOf } from '../native/file-facts.ts';
import { type FdInfo, nanoseconds, number, watches } from './fdinfo.ts';
import type { ProcessFiles } from './file-reference.ts';
import type { Skippable } from './findings.ts';
import { withoutRemark } from './maps.ts';
import type { CapturedObjects } from './objects.ts';

/** A descriptor, before it is known what it is. */
export interface RawDescriptor {
  readonly number: number;
  /** What /proc/PID/fd says. */
  readonly link: Uint8Array;
  readonly info: FdInfo;
}

export interface OpenFileContext {
  readonly pid: number;
  readonly files: ProcessFiles;
  readonly objects: CapturedObjects;
  /** Whether bytes are taken: not when it is only asked what could be. */
  readonly contents: boolean;
  readonly all: readonly RawDescriptor[];
  /** The lowest of the descriptors 0 to 2 on the same thing, if there is one. */
  readonly standard: (descriptor: RawDescriptor) => number | undefined;
}

/** Why a checkpoint cannot hold something. */
export interface Refused {
  readonly why: string;
  readonly skip: Skippable;
}

const O_ACCMODE = 3;
const O_CLOEXEC = 0o2000000;
const S_IFMT = 0o170000n;
const TYPE = {
  fifo: 0o010000n,
  device: 0o020000n,
  directory: 0o040000n,
  block: 0o060000n,
  file: 0o100000n,
  socket: 0o140000n,
};
/** Devices that are the same wherever they are opened: major 1 of Documentation/admin-guide/devices.txt. */
const PLAIN_DEVICES = /^\/dev\/(null|zero|full|random|urandom)$/;
const TERMINALS = /^\/dev\/(pts\/\d+|tty\w*|console)$/;

export function openFileOf(raw: RawDescriptor, context: OpenFileContext): OpenFile | Refused {
  const link = Buffer.from(raw.link);
  const text = link.toString('latin1');
  const flags = raw.info.flags & ~O_CLOEXEC;
  const standard = context.standard(raw);
  if (text.startsWith('pipe:')) return pipe(raw, text, flags, context);
  if (text.startsWith('socket:')) {
    if (standard !== undefined) return { flags, kind: 'standard stream', what: text };
    return { why: 'is a socket, whose other end would not know of the copy', skip: 'sockets' };
  }
  if (text.startsWith('anon_inode:')) return anonymous(raw, text, flags, context);
  const stats = statSync(`/proc/${context.pid}/fd/${raw.number}`, { bigint: true });
  const position = raw.info.position;
  switch (stats.mode & S_IFMT) {
    case TYPE.file:
      return regular(raw, link, stats, context);
    case TYPE.directory:
      return { flags, kind: 'directory', path: raw.link, position };
    case TYPE.device:
      if (PLAIN_DEVICES.test(text)) return { flags, kind: 'device', path: raw.link, terminal: false };
      if (standard !== undefined) return { flags, kind: 'standard stream', what: text };
      return TERMINALS.test(text)
        ? { why: 'is a terminal and none of the standard streams', skip: 'terminals' }
        : { why: 'is a device whose state cannot be had', skip: 'devices' };
    case TYPE.fifo:
      if (standard !== undefined) return { flags, kind: 'standard stream', what: text };
      return { why: 'is a named pipe, whose other end would not know of the copy', skip: 'pipes' };
    default:
      return { why: 'is nothing a checkpoint knows', skip: 'others' };
  }
}

function regular(
  { number: descriptor, info, link: raw }: RawDescriptor,
  link: Buffer,
  stats: BigIntStats,
  { pid, files, objects, contents }: OpenFileContext,
): OpenFile {
  const flags = info.flags & ~O_CLOEXEC;
  const { position } = info;
  const { path, deleted } = withoutRemark(raw);
  const here = `/proc/${pid}/fd/${descriptor}`;
  const content = () => (contents ? objects.addFile(here) : { object: 0, size: stats.size });
  const mode = Number(stats.mode & 0o7777n);
  if (link.subarray(0, 7).toString() === '/memfd:' && deleted) {
    const fd = descriptorOf(pid, descriptor);
    const seals = sealsOf(fd);
    closeSync(fd);
    return { flags, kind: 'memfd', name: path.subarray(7), position, mode, seals, content: content() };
  }
  if (stats.nlink === 0n || (deleted && !files.isThere(raw, stats.ino))) {
    return { flags, kind: 'deleted file', path, position, mode, content: content() };
  }
  return { flags, kind: 'file', file: { path: raw, size: stats.size, mtimeNs: stats.mtimeNs }, position };
}

/** Pipes count as the process's own when it holds both ends. */
function pipe(raw: RawDescriptor, text: string, flags: number, context: OpenFileContext): OpenFile | Refused {
  const ends = context.all.filter(({ link }) => Buffer.from(link).toString('latin1') === text);
  const writes = ({ info }: RawDescriptor) => (info.flags & O_ACCMODE) !== 0;
  if (ends.some(writes) && ends.some((end) => !writes(end)) && onlyHere(raw, context)) {
    const end = writes(raw) ? 'write' : 'read';
    const first = ends.find((candidate) => !writes(candidate))?.number === raw.number;
    const fd = descriptorOf(context.pid, raw.number);
    try {
      const content =
        end === 'read' && first && context.contents ? context.objects.addBytes(pipeContent(fd)) : undefined;
      return { flags, kind: 'pipe', pipe: Number(raw.info.inode), end, capacity: pipeCapacity(fd), content };
    } finally {
      closeSync(fd);
    }
  }
  if (context.standard(raw) !== undefined) return { flags, kind: 'standard stream', what: text };
  return { why: 'is a pipe that leads to another process', skip: 'pipes' };
}

/** Standard streams are what the process was started with, so their other ends may be anywhere. */
function onlyHere(raw: RawDescriptor, { standard }: OpenFileContext): boolean {
  return standard(raw) === undefined;
}

function anonymous(
  { info }: RawDescriptor,
  text: string,
  flags: number,
  { all }: OpenFileContext,
): OpenFile | Refused {
  switch (text.slice('anon_inode:'.length).replace(/[[\]]/g, '')) {
    case 'eventfd':
      return {
        flags,
        kind: 'eventfd',
        count: number(info, 'eventfd-count', '0x'),
        semaphore: number(info, 'eventfd-semaphore') === 1n,
      };
    case 'signalfd':
      return { flags, kind: 'signalfd', mask: number(info, 'sigmask', '0x') };
    case 'timerfd':
      return {
        flags,
        kind: 'timerfd',
        clock: Number(number(info, 'clockid')),
        setFlags: Number.parseInt(info.fields.get('settime flags')?.[0] ?? '0', 8),
        ticks: number(info, 'ticks'),
        valueNs: nanoseconds(info, 'it_value'),
        intervalNs: nanoseconds(info, 'it_interval'),
      };
    case 'eventpoll':
      return epoll(info, flags, all);
    case 'inotify':
      return { why: 'is an inotify instance', skip: 'inotify' };
    case 'io_uring':
      return { why: 'is an io_uring, which may have requests in flight', skip: 'io_uring' };
    default:
      return { why: 'is nothing a checkpoint knows', skip: 'others' };
  }
}

/** The number it was added by may have been closed, or be another file's by now. */
function epoll(info: FdInfo, flags: number, all: readonly RawDescriptor[]): OpenFile | Refused {
  const found: EpollWatch[] = [];
  for (const { inode, ...watch } of watches(info)) {
    const target = all.find((raw) => raw.number === watch.descriptor);
    if (target === undefined || target.info.inode !== inode) {
      return { why: `watches what was descriptor ${watch.descriptor} and is no more`, skip: 'others' };
    }
    found.push(watch);
  }
  return { flags, kind: 'epoll', watches: found };
}
