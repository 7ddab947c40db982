/**
 * A directory that appears whole or not at all: it is written under another name beside its place, and renamed when all is
 * there. What is there already is left alone.
 */
import { lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ForeignError } from '../../errors.ts';
import { unfinishedBeside } from '../unfinished.ts';
import { whenKilled } from '../when-killed.ts';
import type { TemplateFile } from './template.ts';

/** Throws USAGE where something is there, INTERNAL where it cannot be written. */
export function writeDirectory(directory: Buffer, files: readonly TemplateFile[]): void {
  const subject = directory.toString();
  if (directory.length === 0) throw new ForeignError('USAGE', 'the DIRECTORY needs a name');
  // A slash at its end is none before its name.
  const temporary = unfinishedBeside(directory.subarray(0, -1));
  const remove = () => rmSync(temporary, { recursive: true, force: true });
  const forget = whenKilled(remove);
  try {
    if (lstatSync(directory, { throwIfNoEntry: false }) !== undefined) throw isThere(subject);
    mkdirSync(temporary);
    for (const { path, text } of files) {
      mkdirSync(under(temporary, dirname(path)), { recursive: true });
      writeFileSync(under(temporary, path), text);
    }
    // Of what came meanwhile, this replaces at most an empty directory.
    renameSync(temporary, directory);
  } catch (cause) {
    if (cause instanceof ForeignError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') throw isThere(subject);
    throw new ForeignError('INTERNAL', `cannot be written: ${code}`, { subject, cause });
  } finally {
    remove();
    forget();
  }
}

const under = (base: Buffer, name: string): Buffer => Buffer.concat([base, Buffer.from(`/${name}`)]);

const isThere = (subject: string): ForeignError =>
  new ForeignError('USAGE', 'is there already', { subject, hint: 'name another directory behind NAME' });
