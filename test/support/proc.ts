/**
 * Looks at a living process through /proc, and keeps programs alive to be looked at: they block reading
 * their standard input until `stop`.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { CAPABILITY, keepsCapability } from '../../src/native/proc.ts';
import { NODE_PATH, SAMPLES } from './run.ts';

export interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  /** `r-xp`. */
  readonly permissions: string;
  readonly offset: bigint;
  /** A file, `[stack]` and the like, or nothing. */
  readonly name: string;
}

/** Fields of /proc/PID/stat that say what the process is, by their numbers in proc(5). */
export const STAT_FIELDS = {
  start_code: 26,
  end_code: 27,
  start_stack: 28,
  start_data: 45,
  end_data: 46,
  start_brk: 47,
  arg_start: 48,
  arg_end: 49,
  env_start: 50,
  env_end: 51,
} as const;
export type StatField = keyof typeof STAT_FIELDS;

export interface Identity {
  readonly pid: number;
  readonly comm: string;
  readonly exe: string;
  readonly cmdline: readonly string[];
  readonly environ: readonly string[];
  readonly stat: Readonly<Record<StatField, bigint>>;
  readonly auxv: readonly (readonly [type: number, value: bigint])[];
  readonly maps: readonly Mapping[];
}

export function readIdentity(pid: number, bits: 32 | 64 = 64): Identity {
  return {
    pid,
    comm: text(pid, 'comm').slice(0, -1),
    exe: readlinkSync(`/proc/${pid}/exe`),
    cmdline: strings(text(pid, 'cmdline')),
    environ: strings(text(pid, 'environ')),
    stat: readStat(pid),
    auxv: readAuxv(pid, bits),
    maps: readMaps(pid),
  };
}

export function readMaps(pid: number): Mapping[] {
  return [...text(pid, 'maps').matchAll(/^(\w+)-(\w+) (\S+) (\w+) \S+ \d+ *(.*)$/gm)].map(
    ([, start, end, permissions = '', offset, name = '']) => ({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`),
      permissions,
      offset: BigInt(`0x${offset}`),
      name,
    }),
  );
}

/** The mapping an address lies in. */
export function mappingAt(maps: readonly Mapping[], address: bigint): Mapping | undefined {
  return maps.find(({ start, end }) => start <= address && address < end);
}

function readStat(pid: number): Record<StatField, bigint> {
  const fields = statWords(pid);
  const entries = Object.entries(STAT_FIELDS).map(([name, number]) => [
    name,
    BigInt(fields[number - 3] ?? 0),
  ]);
  return Object.fromEntries(entries) as Record<StatField, bigint>;
}

/** From field 3, the state, on. */
function statWords(pid: number): string[] {
  const stat = text(pid, 'stat');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readAuxv(pid: number, bits: 32 | 64): [number, bigint][] {
  const bytes = readFileSync(`/proc/${pid}/auxv`);
  const size = bits / 8;
  const word = (at: number) => (bits === 64 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUInt32LE(at)));
  const entries: [number, bigint][] = [];
  for (let at = 0; at + 2 * size <= bytes.length; at += 2 * size) {
    entries.push([Number(word(at)), word(at + size)]);
    if (entries.at(-1)?.[0] === 0) break;
  }
  return entries;
}

function strings(text: string): string[] {
  return text.split('\0').slice(0, -1);
}

function text(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'latin1');
}

/** Whether Linux lets a process started from here set /proc/PID/exe (prctl(2), PR_SET_MM_EXE_FILE). */
const MAY_SET_EXE = keepsCapability(CAPABILITY.SYS_ADMIN) || keepsCapability(CAPABILITY.CHECKPOINT_RESTORE);

/**
 * The identity to compare with that of execve, which names `file`. Who may not set /proc/PID/exe must find
 * the memfd there, and everything else as it should be.
 */
export function withoutPrivilege(identity: Identity, file: string): Identity {
  if (MAY_SET_EXE) return identity;
  const memfd = `/memfd:${identity.comm} (deleted)`;
  if (identity.exe !== memfd) throw new Error(`/proc/PID/exe is ${identity.exe}, not ${memfd}`);
  return { ...identity, exe: file };
}

export interface Living {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it, or what started it, has written to standard error. */
  complaint(): string;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly argv0?: string;
  /** Open in the program from 3 on. */
  readonly descriptors?: readonly number[];
  /** How many times slower than a machine of its own this one may be. */
  readonly slowness?: number;
  /** Ends of paths of programs that start this one: while one is mapped, it is not there yet. */
  readonly through?: readonly string[];
}

/**
 * Starts a program and waits until it sleeps, with the launcher and the stub gone and its memory at rest.
 * A program that ends instead is an error with what it wrote on standard error.
 */
export async function startAndSettle(
  file: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<Living> {
  const { env = { PATH: NODE_PATH }, cwd = SAMPLES, argv0, descriptors = [] } = options;
  const child = spawn(file, args, {
    env: { ...env },
    cwd,
    ...(argv0 !== undefined && { argv0 }),
    stdio: ['pipe', 'pipe', 'pipe', ...descriptors],
  }) as ChildProcessWithoutNullStreams;
  const { pid } = child;
  if (pid === undefined) throw (await once(child, 'error'))[0];
  let complaint = '';
  child.stdout.resume();
  child.stderr.on('data', (bytes: Buffer) => {
    complaint += bytes.toString();
  });
  child.stdin.on('error', () => {});
  const closed = once(child, 'close');
  await settled(child, pid, () => complaint, options);
  const stop = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  return { pid, child, complaint: () => complaint, stop };
}

/** Starts, reads, stops. */
export async function identityOf(
  file: string,
  args: readonly string[],
  options: StartOptions & { readonly bits?: 32 | 64 } = {},
): Promise<Identity> {
  const living = await startAndSettle(file, args, options);
  try {
    return readIdentity(living.pid, options.bits);
  } finally {
    await living.stop();
  }
}

const POLL = 15;
const PATIENCE = 10_000;

async function settled(
  child: ChildProcess,
  pid: number,
  complaint: () => string,
  { slowness = 1, through = [] }: StartOptions,
): Promise<void> {
  const passing = ['/run-foreign', ...through];
  let before = '';
  for (const limit = Date.now() + PATIENCE * slowness; Date.now() < limit; ) {
    await new Promise((resolve) => setTimeout(resolve, POLL * slowness));
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the program ended (${child.exitCode ?? child.signalCode}): ${complaint()}`);
    }
    const maps = text(pid, 'maps');
    const lines = maps.split('\n');
    const ours =
      /\/memfd:[^:\n]* \(deleted\)$/m.test(maps) ||
      passing.some((name) => lines.some((line) => line.endsWith(name)));
    if (!ours && statWords(pid)[0] === 'S' && maps !== '' && maps === before) return;
    before = maps;
  }
  throw new Error(`the program did not come to rest: ${complaint()}`);
}
