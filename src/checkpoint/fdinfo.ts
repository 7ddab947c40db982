/** /proc/PID/fdinfo/N: proc_pid_fdinfo(5). */
import type { EpollWatch } from '../image/process-state.ts';

export interface FdInfo {
  readonly position: bigint;
  /** Of open(2), with O_CLOEXEC. */
  readonly flags: number;
  readonly inode: bigint;
  /** The other lines, by name; a name may come more than once. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

export function parseFdInfo(text: string): FdInfo {
  const fields = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).trim();
    const values = fields.get(name) ?? [];
    values.push(line.slice(colon + 1).trim());
    fields.set(name, values);
  }
  return {
    position: BigInt(field(fields, 'pos') ?? 0),
    flags: Number.parseInt(field(fields, 'flags') ?? '0', 8),
    inode: BigInt(field(fields, 'ino') ?? 0),
    fields,
  };
}

function field(fields: FdInfo['fields'], name: string): string | undefined {
  return fields.get(name)?.[0];
}

/** A field as a number: `0x` marks hexadecimal ones that are written without it. */
export function number(info: FdInfo, name: string, prefix: '' | '0x' = ''): bigint {
  return BigInt(`${prefix}${field(info.fields, name) ?? 0}`);
}

/** `(12, 345)`: seconds and nanoseconds. */
export function nanoseconds(info: FdInfo, name: string): bigint {
  const [seconds = '0', rest = '0'] = (field(info.fields, name) ?? '').replace(/[() ]/g, '').split(',');
  return BigInt(seconds || 0) * 1_000_000_000n + BigInt(rest);
}

const WATCH = /^(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)(?:.*\bino:([0-9a-f]+))?/;

/** What an epoll instance watches, with the inode of each. */
export function watches(info: FdInfo): (EpollWatch & { readonly inode: bigint })[] {
  return (info.fields.get('tfd') ?? []).flatMap((line) => {
    const match = WATCH.exec(line);
    if (match === null) return [];
    const [, descriptor, events = '0', data = '0', inode = '0'] = match;
    return [
      {
        descriptor: Number(descriptor),
        events: Number.parseInt(events, 16),
        data: BigInt(`0x${data}`),
        inode: BigInt(`0x${inode}`),
      },
    ];
  });
}
