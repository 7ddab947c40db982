/**
 * Keeps a start for the next one: where nothing but the program's own file decides how it is started, a stub that opens that
 * file itself goes into a directory of the user's, and the launcher executes it without asking Node
 * (src/launcher/kept-start.ts, which says when). It is an offer: whatever stands against it, the program starts.
 */
import {
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { emitStub } from '../emit/stub.ts';
import { launched } from '../launch/launched.ts';
import type { PreparedProgram } from '../launch/prepare.ts';
import type { ProgramRequest } from '../launch/request.ts';
import {
  isStart,
  MAX_START_SIZE,
  STARTS_DIRECTORY,
  startFile,
  startName,
  startTrailer,
} from '../launcher/start-file.ts';
import { readText } from '../native/proc.ts';
import { vaultOf } from '../plan/plan.ts';
import { planReusable } from '../plan/reusable.ts';
import { whoElseReads, whoElseWrites } from '../plugins/private-path.ts';
import { userDirectory } from '../plugins/user-directory.ts';
import type { FileIdentity } from '../source/identity.ts';
import type { BackingFile } from '../source/source.ts';
import { TWIN_PREFIX } from './run-options.ts';

/** Where more are kept, the oldest go. */
const MOST_STARTS = 256;
/** As many of them as stay then. */
const STARTS_LEFT = 192;
/** A file that has just been written to can be written to again without its times showing it. Nanoseconds. */
const SETTLING_TIME = 2_000_000_000n;
const SLASH = 0x2f;
const WRITABLE_BY_OTHERS = 0o022;
/** Users whom a user namespace does not know look like this one (kernel.overflowuid). */
const OVERFLOW_UID = 65534;

/** Does nothing where the start is not one to be kept, or cannot be. */
export function keepStart(request: ProgramRequest, prepared: PreparedProgram): void {
  try {
    const file = onlyFile(request, prepared);
    const directory = file && startsDirectory();
    if (file === undefined || directory === undefined) return;
    const identity = settledIdentity(file);
    if (identity === undefined || !prepareDirectory(directory)) return;
    const trailer = startTrailer(identity, kernel());
    const path = join(directory, startName(identity));
    if (isKept(path, trailer)) return;
    const content = contentFor(prepared, file, identity, trailer);
    if (content === undefined) return;
    writeAside(path, content, Buffer.from(prepared.host.random(8)).toString('hex'));
    removeOldest(directory);
  } catch {
    // The next start is as slow as this one.
  }
}

/** The program's file, if what is in it is all that counts. */
function onlyFile(request: ProgramRequest, prepared: PreparedProgram): BackingFile | undefined {
  const { name, args, envp, guests } = request;
  const { source, exe, argv, env, path, image, namedBy, unauthenticated } = prepared;
  const { file } = source;
  const asTyped =
    argv.length === args.length + 1 && argv[0] === name && path === name && name.includes(SLASH);
  const plain = !prepared.interpreted && prepared.descriptor === undefined && guests === undefined;
  const alone = namedBy.length === 0 && env.length === 0 && unauthenticated.length === 0;
  // What comes in a vault is not in the file as it stands; nor is what a first stack of the loader's own holds.
  const mapped = vaultOf(prepared.plan) === undefined && typeof image.stack.layout !== 'function';
  if (!asTyped || !plain || !alone || !mapped || launched() === undefined) return undefined;
  if (envp.some((entry) => Buffer.from(entry).toString('latin1', 0, TWIN_PREFIX.length) === TWIN_PREFIX))
    return undefined;
  // Without randomness a plan lacks the choices that another start may have to make.
  if (prepared.host.randomizeVaSpace !== 2) return undefined;
  return file !== undefined && file.fd === exe?.fd && file.offset === 0 ? file : undefined;
}

/** Where starts are kept; undefined where the launcher would not look into it, either. */
export function startsDirectory(): string | undefined {
  const user = process.geteuid?.();
  if (user !== process.getuid?.() || user === OVERFLOW_UID) return undefined;
  const configuration = userDirectory(process.env, 'XDG_CONFIG_HOME');
  if (configuration !== undefined && existsSync(join(configuration, 'run-foreign'))) return undefined;
  const base = userDirectory(process.env, 'XDG_CACHE_HOME');
  return base && join(base, STARTS_DIRECTORY);
}

function settledIdentity({ fd }: BackingFile): FileIdentity | undefined {
  const { dev, ino, size, mtimeNs, ctimeNs } = fstatSync(fd, { bigint: true });
  const settled = BigInt(Date.now()) * 1_000_000n - ctimeNs > SETTLING_TIME;
  return settled && mtimeNs >= 0n && ctimeNs >= 0n ? { dev, ino, size, mtimeNs, ctimeNs } : undefined;
}

/** Makes it in a directory of the user's own. */
function prepareDirectory(directory: string): boolean {
  if (startsDoubt(directory) !== undefined) return false;
  if (existsSync(directory)) return true;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return whoElseReads(directory) === undefined;
}

/** Why starts are not kept there: never in somebody else's, for the superuser may have another's HOME. */
export function startsDoubt(directory: string): string | undefined {
  const existing = existingPart(directory);
  if (statSync(existing).uid !== process.geteuid?.()) return `${existing} is not yours`;
  return existing === directory ? whoElseReads(directory) : whoElseWrites(existing);
}

/** A directory, or the one above it that is there. */
export function existingPart(directory: string): string {
  let existing = directory;
  while (!existsSync(existing)) existing = dirname(existing);
  return existing;
}

/** As uname(2) has it. */
function kernel(): { release: string; version: string } {
  const read = (name: string) => readText(`/proc/sys/kernel/${name}`)?.trimEnd() ?? '';
  return { release: read('osrelease'), version: read('version') };
}

/** Whether the launcher would take what is there. If it has not executed it, that is not for lack of it. */
function isKept(path: string, trailer: Uint8Array): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || stat.nlink !== 1 || stat.uid !== process.geteuid?.())
    return false;
  if ((stat.mode & WRITABLE_BY_OTHERS) !== 0 || stat.size > MAX_START_SIZE) return false;
  return isStart(readFileSync(path), trailer);
}

function contentFor(
  { image, host }: PreparedProgram,
  file: BackingFile,
  identity: FileIdentity,
  trailer: Uint8Array,
): Uint8Array | undefined {
  // The name for messages: it may be called by another then.
  const program = readlinkSync(`/proc/self/fd/${file.fd}`);
  const plan = planReusable(image, { program, exe: file, portable: false, cached: identity }, host);
  return plan && startFile(emitStub(plan, ['opened']), trailer);
}

function writeAside(path: string, content: Uint8Array, suffix: string): void {
  const temporary = `${path}.${suffix}`;
  try {
    writeFileSync(temporary, content, { mode: 0o700, flag: 'wx' });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
}

function removeOldest(directory: string): void {
  const names = readdirSync(directory);
  if (names.length <= MOST_STARTS) return;
  const all = names.flatMap((name) => {
    const path = join(directory, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat?.isFile() ? [{ path, age: stat.mtimeMs }] : [];
  });
  all.sort((one, other) => one.age - other.age);
  for (const { path } of all.slice(0, -STARTS_LEFT)) rmSync(path, { force: true });
}
