/** /proc/PID/smaps: what is mapped where, and how. proc_pid_smaps(5) */
import { readFileSync } from 'node:fs';
import { VM_FLAGS, type VmFlag } from '../image/process-state.ts';

/** A mapping as the kernel lists it. */
export interface MapsEntry {
  readonly start: bigint;
  readonly end: bigint;
  readonly protection: { readonly read: boolean; readonly write: boolean; readonly execute: boolean };
  readonly shared: boolean;
  /** Bytes. */
  readonly offset: bigint;
  /** `major:minor` in hexadecimal, as written there. */
  readonly device: string;
  readonly inode: bigint;
  /** A path, with ` (deleted)` if the kernel says so, or a name in brackets; empty where there is none. */
  readonly path: Uint8Array;
  /** All two-letter words of its VmFlags. */
  readonly vmFlags: readonly string[];
}

/** Not with the `u` flag: paths are bytes, read as latin1. */
const HEADER =
  /^([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])([x-])([ps]) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) (\d+) *(.*)$/;
const FLAGS = 'VmFlags:';

/** All but [vsyscall], which is no mapping of the process's. */
export function readMaps(pid: number): MapsEntry[] {
  const entries: MapsEntry[] = [];
  let header: Omit<MapsEntry, 'vmFlags'> | undefined;
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'latin1').split('\n')) {
    if (line.startsWith(FLAGS)) {
      if (header !== undefined)
        entries.push({ ...header, vmFlags: line.slice(FLAGS.length).trim().split(' ') });
      header = undefined;
    } else header ??= parseHeader(line);
  }
  return entries.filter(({ path }) => Buffer.from(path).toString() !== '[vsyscall]');
}

function parseHeader(line: string): Omit<MapsEntry, 'vmFlags'> | undefined {
  const match = HEADER.exec(line);
  if (match === null) return undefined;
  const [
    ,
    start = '',
    end = '',
    read,
    write,
    execute,
    sharing,
    offset = '',
    device = '',
    inode = '',
    path = '',
  ] = match;
  return {
    start: BigInt(`0x${start}`),
    end: BigInt(`0x${end}`),
    protection: { read: read === 'r', write: write === 'w', execute: execute === 'x' },
    shared: sharing === 's',
    offset: BigInt(`0x${offset}`),
    device,
    inode: BigInt(inode),
    path: Buffer.from(path.replaceAll('\\012', '\n'), 'latin1'),
  };
}

/** Those that can be set again. */
export function settableFlags({ vmFlags }: MapsEntry): VmFlag[] {
  return VM_FLAGS.filter((flag) => vmFlags.includes(flag));
}

const DELETED = ' (deleted)';

/** The path without the kernel's remark. */
export function withoutRemark(path: Uint8Array): { path: Uint8Array; deleted: boolean } {
  const bytes = Buffer.from(path);
  const deleted = bytes.subarray(-DELETED.length).equals(Buffer.from(DELETED));
  return { path: deleted ? bytes.subarray(0, -DELETED.length) : bytes, deleted };
}
