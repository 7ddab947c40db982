/** Readers for /proc and /sys: text in, facts out. A file that cannot be read is undefined, never a guess. */
import { readFileSync, readlinkSync } from 'node:fs';
import type { Credentials, ResourceLimit } from '../image/process-state.ts';

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

export function readNumber(path: string): number | undefined {
  const text = readText(path)?.trim();
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** NUL-separated strings, as in cmdline and environ, byte for byte. */
export function readStrings(path: string): Uint8Array[] {
  const bytes = readFileSync(path);
  const strings: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const found = bytes.indexOf(0, from);
    const end = found < 0 ? bytes.length : found;
    strings.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return strings;
}

/** A `Name:` line of /proc/PID/status. */
export function statusField(name: string, path = '/proc/self/status'): string | undefined {
  return readText(path)?.match(new RegExp(`^${name}:\\s*(.*)$`, 'm'))?.[1];
}

/** The names of resources in /proc/PID/limits (fs/proc/base.c, lnames). */
export type Resource = 'stack size' | 'data size' | 'address space' | 'locked memory';

/** Soft limit of a resource of this process, bytes; without one it is RLIM_INFINITY, 2^64 - 1. */
export function softLimit(resource: Resource): bigint {
  const text = readText('/proc/self/limits') ?? '';
  const value = new RegExp(`^Max ${resource} +(\\d+|unlimited) `, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`/proc/self/limits does not say "Max ${resource}"`);
  return value === 'unlimited' ? (1n << 64n) - 1n : BigInt(value);
}

/** The execution domain of this process, personality(2). */
export function personality(): number {
  return Number.parseInt(readText('/proc/self/personality') ?? '0', 16);
}

/** include/uapi/linux/capability.h */
export const CAPABILITY = {
  SYS_RAWIO: 17n,
  SYS_ADMIN: 21n,
  SYS_RESOURCE: 24n,
  CHECKPOINT_RESTORE: 40n,
} as const;

/** Whether this process has a capability in force. */
export function hasCapability(capability: bigint): boolean {
  return capabilityIn('CapEff', capability);
}

/** Whether it will still have it after an exec: root keeps all it has, others only ambient ones (capabilities(7)). */
export function keepsCapability(capability: bigint): boolean {
  return capabilityIn(process.geteuid?.() === 0 ? 'CapEff' : 'CapAmb', capability);
}

/** PROC_USER_INIT_INO, include/linux/proc_ns.h. */
const INITIAL_USER_NAMESPACE = 'user:[4026531837]';

/** Whether capabilities count for the whole machine: some, as CAP_SYS_RAWIO, mean nothing in a user namespace. */
export function inInitialUserNamespace(): boolean {
  try {
    return readlinkSync('/proc/self/ns/user') === INITIAL_USER_NAMESPACE;
  } catch {
    return false;
  }
}

function capabilityIn(set: 'CapEff' | 'CapAmb', capability: bigint): boolean {
  const bits = statusField(set);
  return bits !== undefined && ((BigInt(`0x${bits}`) >> capability) & 1n) === 1n;
}

/** Fields of /proc/self/stat from number 3 on, by their numbers in proc(5). */
export function statFields(path = '/proc/self/stat'): (field: number) => bigint {
  const text = readText(path) ?? '';
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
  return (field) => BigInt(fields[field - 3] ?? 0);
}

/** What /proc/PID/status says of a process's rights: all but its secure bits. credentials(7), capabilities(7) */
export function credentialsOf(path = '/proc/self/status'): Omit<Credentials, 'secureBits'> {
  const text = readText(path) ?? '';
  // A line may be empty: what is no line's end may not be taken for space.
  const line = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(text)?.[1] ?? '';
  const numbers = (name: string) =>
    line(name)
      .split(/[\t ]+/)
      .filter(Boolean)
      .map(Number);
  const four = (name: string): Credentials['uids'] => {
    const [real = 0, effective = 0, saved = 0, fileSystem = 0] = numbers(name);
    return [real, effective, saved, fileSystem];
  };
  const mask = (name: string) => BigInt(`0x${line(name).trim() || '0'}`);
  return {
    uids: four('Uid'),
    gids: four('Gid'),
    groups: numbers('Groups'),
    capabilities: {
      inheritable: mask('CapInh'),
      permitted: mask('CapPrm'),
      effective: mask('CapEff'),
      bounding: mask('CapBnd'),
      ambient: mask('CapAmb'),
    },
  };
}

const UNLIMITED = 2n ** 64n - 1n;

/** /proc/PID/limits has a line for each, in the order of their numbers (fs/proc/base.c, lnames). getrlimit(2) */
export function resourceLimits(path = '/proc/self/limits'): ResourceLimit[] {
  const lines = (readText(path) ?? '').split('\n').slice(1);
  return lines.flatMap((line, resource) => {
    const [, soft, hard] = /^.{26}(\d+|unlimited) +(\d+|unlimited)/.exec(line) ?? [];
    if (soft === undefined || hard === undefined) return [];
    const value = (text: string) => (text === 'unlimited' ? UNLIMITED : BigInt(text));
    return [{ resource, soft: value(soft), hard: value(hard) }];
  });
}
