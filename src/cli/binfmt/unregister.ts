/** `run-foreign binfmt unregister`: what is ours goes, in the kernel and of the files for the next boot. */
import { unlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { ForeignError } from '../../errors.ts';
import { bootFiles, isOwn, ownBootFiles, readsBootFiles } from './boot-files.ts';
import { type BinfmtContext, counted, isOurs, say, warn } from './context.ts';
import { removeFromDatabase } from './debian.ts';
import { type Format, formatsNamed } from './formats.ts';
import { kernelState, removeFromKernel } from './kernel.ts';

/** Without names all of ours, also of loaders that are no longer there. Entries of others stay, whatever they are called. */
export function unregister({ options, settings, names }: BinfmtContext): number {
  const { root, now } = options;
  // What it starts plays no part here.
  const formats = names.length === 0 ? undefined : formatsNamed(names, settings, '/');
  const files = now ? [] : filesOf(formats, root ?? '/');
  const taken = root === undefined ? takeFromKernel(formats) : 0;
  for (const path of files) removeFile(path, root === undefined);
  if (taken > 0) say(`${counted(taken, 'entry', 'entries')} taken from the kernel`);
  for (const path of files) say(`removed ${path}`);
  if (taken + files.length === 0) say('there was nothing of ours');
  if (root === undefined && !kernelState().mounted)
    warn('binfmt_misc is not mounted, so what the kernel has was not seen');
  return 0;
}

function takeFromKernel(formats: readonly Format[] | undefined): number {
  const wanted = formats && new Set(formats.flatMap(({ entries }) => entries.map(({ name }) => name)));
  const ours = kernelState().entries.filter((entry) => isOurs(entry) && wanted?.has(entry.name) !== false);
  for (const { name } of ours) removeFromKernel(name);
  return ours.length;
}

function filesOf(formats: readonly Format[] | undefined, root: string): string[] {
  if (formats === undefined) return ownBootFiles(root);
  const paths = formats.flatMap(({ name, entries }) =>
    (['systemd', 'debian'] as const).flatMap((style) =>
      bootFiles(style, root, name, entries).map(({ path }) => path),
    ),
  );
  return paths.filter(isOwn);
}

function removeFile(path: string, live: boolean): void {
  if (live && !path.endsWith('.conf') && readsBootFiles('debian', '/')) removeFromDatabase(basename(path));
  try {
    unlinkSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const hint = code === 'EACCES' || code === 'EPERM' ? { hint: 'run this as root' } : {};
    throw new ForeignError('MACHINE_REFUSED', `cannot be removed: ${code}`, {
      subject: path,
      cause,
      ...hint,
    });
  }
}
