/**
 * binfmt_misc as it is now (Documentation/admin-guide/binfmt-misc.rst). A user namespace may have one of its own since Linux 6.7:
 * what is mounted here is then that.
 */
import { closeSync, constants, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ForeignError } from '../../errors.ts';
import { mountBinfmtMisc } from '../../native/mount.ts';
import { patternOf } from './pattern.ts';
import { type FoundEntry, fromBytes } from './register-line.ts';

export const BINFMT_MISC = '/proc/sys/fs/binfmt_misc';
const CONTROL_FILES = ['register', 'status'];

export interface KernelEntry extends FoundEntry {
  readonly enabled: boolean;
  /** When it was registered, nanoseconds: of two that match the later one is asked (hlist_add_head in fs/binfmt_misc.c). */
  readonly since: bigint;
}

export interface KernelState {
  readonly mounted: boolean;
  /** Whether any entry counts at all. */
  readonly enabled: boolean;
  readonly entries: readonly KernelEntry[];
}

/** Entries that go away meanwhile are left out. */
export function kernelState(): KernelState {
  // Where systemd waits to mount it, asking for a file in it does that.
  const status = textOf('status');
  if (status === undefined) return { mounted: false, enabled: false, entries: [] };
  const names = readdirSync(BINFMT_MISC).filter((name) => !CONTROL_FILES.includes(name));
  const entries = names.flatMap((name) => {
    const [text, stat] = [
      textOf(name),
      statSync(join(BINFMT_MISC, name), { bigint: true, throwIfNoEntry: false }),
    ];
    return text === undefined || stat === undefined ? [] : [parseKernelEntry(name, text, stat.mtimeNs)];
  });
  return { mounted: true, enabled: status.startsWith('enabled'), entries };
}

function textOf(name: string): string | undefined {
  try {
    return readFileSync(join(BINFMT_MISC, name), 'latin1');
  } catch {
    return undefined;
  }
}

/** What bm_entry_read writes. */
export function parseKernelEntry(name: string, text: string, since: bigint): KernelEntry {
  const field = (key: string) => new RegExp(`^${key}(.*)$`, 'm').exec(text)?.[1];
  const hex = (digits: string) => Buffer.from(digits, 'hex');
  const [magic, mask, extension] = [field('magic '), field('mask '), field('extension \\.')];
  return {
    name,
    enabled: text.startsWith('enabled'),
    since,
    interpreter: fromBytes(field('interpreter ') ?? ''),
    flags: field('flags: ') ?? '',
    pattern:
      magic === undefined
        ? undefined
        : patternOf({
            offset: Number(field('offset ') ?? 0),
            bytes: hex(magic),
            mask: mask === undefined ? undefined : hex(mask),
          }),
    ...(extension !== undefined && { extension: fromBytes(extension) }),
  };
}

/** Mounts it if it is not; returns whether it had to. Throws MACHINE_REFUSED. */
export function ensureMounted(): boolean {
  if (kernelState().mounted) return false;
  const errno = mountBinfmtMisc(BINFMT_MISC);
  if (errno === undefined) return true;
  const hint =
    errno === 'EPERM' || errno === 'EACCES'
      ? 'run this as root'
      : 'the kernel needs CONFIG_BINFMT_MISC, as a module or built in';
  throw new ForeignError('MACHINE_REFUSED', `binfmt_misc cannot be mounted: ${errno}`, {
    subject: BINFMT_MISC,
    hint,
  });
}

/** Throws MACHINE_REFUSED. */
export function registerWithKernel(name: string, line: string): void {
  attempt(name, 'registered', () => writeWhole('register', line));
}

/** Throws MACHINE_REFUSED. */
export function removeFromKernel(name: string): void {
  attempt(name, 'taken away', () => writeWhole(name, '-1'));
}

/** What a single call writes is one command. */
function writeWhole(name: string, text: string): void {
  const fd = openSync(join(BINFMT_MISC, name), constants.O_WRONLY);
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

function attempt(name: string, what: string, action: () => void): void {
  try {
    action();
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    const hint = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'run this as root' : undefined;
    throw new ForeignError('MACHINE_REFUSED', `${name} cannot be ${what}: ${code}`, {
      subject: BINFMT_MISC,
      cause,
      ...(hint !== undefined && { hint }),
    });
  }
}
