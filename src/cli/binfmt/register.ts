/** `run-foreign binfmt register`: the kernel is told, and what tells it again when the machine starts is written. */
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ForeignError } from '../../errors.ts';
import { checkOutput, fillOutput, writeError } from '../output-file.ts';
import { usageError } from '../usage-error.ts';
import { type BootFile, bootFiles, isOwn, readsBootFiles, type Style } from './boot-files.ts';
import { type BinfmtContext, counted, say, warn } from './context.ts';
import { importIntoDatabase } from './debian.ts';
import type { OwnEntry } from './entry.ts';
import { DEFAULT_FORMATS, type Format, formatsNamed } from './formats.ts';
import { checkedPath, interpreterDoubts, ownInterpreter } from './interpreter.ts';
import { type Circumstances, judge } from './judge.ts';
import { ensureMounted, kernelState, registerWithKernel, removeFromKernel } from './kernel.ts';
import { relation } from './pattern.ts';
import { registerLine } from './register-line.ts';

const FAILED = 1;

/** 1 where something that was asked for has not come about. */
export async function register({ options, settings, names }: BinfmtContext): Promise<number> {
  const { root, now, force } = options;
  const live = root === undefined;
  const interpreter = options.interpreter === undefined ? ownInterpreter() : checkedPath(options.interpreter);
  const formats = formatsNamed(names.length === 0 ? DEFAULT_FORMATS : names, settings, interpreter);
  const style = now ? undefined : (options.style ?? usualStyle(root));
  if (live && style === 'debian' && !readsBootFiles('debian', '/'))
    throw usageError('there is no update-binfmts here', 'it is in the package binfmt-support');
  // For what cannot be nothing is changed.
  const tells = live && formats.some(({ why }) => why === undefined);
  if (tells) {
    checkInterpreter(interpreter, force);
    if (ensureMounted()) say('mounted binfmt_misc, which was not');
  }
  const circumstances = { live, style, root: root ?? '/' };
  let status = 0;
  for (const format of formats) {
    if (!(await registerFormat(format, circumstances, force))) status = FAILED;
  }
  if (tells) sayWhatIsMissing(style, now);
  return status;
}

/** Below a directory nobody has to be there to read them. */
function usualStyle(root: string | undefined): Style | undefined {
  if (root !== undefined) return 'systemd';
  return (['systemd', 'debian'] as const).find((style) => readsBootFiles(style, '/'));
}

/** Throws MACHINE_REFUSED, unless that is to be as it is. */
function checkInterpreter(interpreter: string, force: boolean): void {
  const doubts = interpreterDoubts(interpreter);
  const [first] = doubts;
  if (first === undefined) return;
  for (const { what } of force ? doubts : doubts.slice(1)) warn(what);
  if (force) return;
  const hint = `${first.advice}; --force registers it as it is`;
  throw new ForeignError('MACHINE_REFUSED', first.what, { subject: 'nothing is registered', hint });
}

/** Whether all of it has come about. */
async function registerFormat(
  format: Format,
  circumstances: Circumstances,
  force: boolean,
): Promise<boolean> {
  if (format.why !== undefined) {
    warn(`${format.name} cannot be registered: ${format.why}`);
    return false;
  }
  for (const { label, why } of format.refused) warn(`${format.name}, ${label} cannot be registered: ${why}`);
  const good = acceptable(format, circumstances, force);
  if (good.length === 0) return false;
  const files =
    circumstances.style === undefined
      ? []
      : bootFiles(circumstances.style, circumstances.root, format.name, good);
  const writes = files.map((file) => prepareBootFile(file, force));
  if (circumstances.live) for (const entry of good) tellKernel(entry);
  for (const write of writes) await write();
  if (circumstances.live && circumstances.style === 'debian')
    for (const { name } of good) importIntoDatabase(name);
  say(told(format, good.length, circumstances, files));
  if (format.from !== undefined)
    warn(
      `${format.name}: its loader comes from ${format.from}; who starts such programs needs it in RUN_FOREIGN_LOADERS or his configuration`,
    );
  return good.length === format.entries.length && format.refused.length === 0;
}

/** Those entries that nothing stands against; what does, and what comes of the others, is said. */
function acceptable(format: Format, circumstances: Circumstances, force: boolean): OwnEntry[] {
  const good: OwnEntry[] = [];
  for (const { entry, impossible, refusals, notes } of judge(format.entries, circumstances)) {
    const against = [...(impossible === undefined ? [] : [impossible]), ...refusals];
    if (impossible !== undefined || (!force && refusals.length > 0))
      warn(
        `${entry.name} is not registered: ${against.join('; ')}${impossible === undefined ? '; --force does it all the same' : ''}`,
      );
    else {
      for (const note of [...refusals, ...notes]) warn(`${entry.name}: ${note}`);
      good.push(entry);
    }
  }
  return good;
}

function told({ name }: Format, count: number, { live }: Circumstances, files: readonly BootFile[]): string {
  const [first] = files;
  const where =
    first === undefined ? '' : files.length === 1 ? first.path : `${files.length} files beside ${first.path}`;
  if (!live) return `${name}: ${counted(count, 'magic')}, in ${where}`;
  const lasts = where === '' ? 'until the next boot' : `for the next boot it is in ${where}`;
  return `${name}: ${counted(count, 'magic')} registered; ${lasts}`;
}

/** Whatever of that name was there goes. Throws MACHINE_REFUSED where the kernel has understood something else. */
function tellKernel(entry: OwnEntry): void {
  const find = () => kernelState().entries.find(({ name }) => name === entry.name);
  const isRight = (found: ReturnType<typeof find>) =>
    found?.pattern !== undefined &&
    found.enabled &&
    found.interpreter === entry.interpreter &&
    found.flags === entry.flags &&
    relation(found.pattern, entry.pattern) === 'the same';
  const before = find();
  if (before !== undefined) removeFromKernel(entry.name);
  registerWithKernel(entry.name, registerLine(entry));
  if (isRight(find())) return;
  removeFromKernel(entry.name);
  throw new ForeignError(
    'MACHINE_REFUSED',
    `the kernel does not know the flag ${entry.flags}, or reads entries otherwise`,
    {
      subject: entry.name,
    },
  );
}

/** Throws where it can be known beforehand that a file will not be written: then the kernel is not told, either. */
function prepareBootFile({ path, text }: BootFile, force: boolean): () => Promise<void> {
  const bytes = Buffer.from(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw writeError(bytes, cause);
  }
  const file = { path: bytes, mode: 0o644, replace: force || isOwn(path) };
  checkOutput(file);
  return () => fillOutput(file, (fd) => writeFile(`/proc/self/fd/${fd}`, text));
}

function sayWhatIsMissing(style: Style | undefined, now: boolean): void {
  if (style === undefined && !now)
    warn(
      'nothing on this machine registers formats when it starts, neither systemd-binfmt nor update-binfmts: ' +
        'run this again then, with --now',
    );
  if (!kernelState().enabled)
    warn('binfmt_misc is switched off, so no entry counts: echo 1 > /proc/sys/fs/binfmt_misc/status');
}
