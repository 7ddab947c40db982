/** Writing without process.stdout: that may switch a shared pipe or terminal to non-blocking mode. */
import { writeSync } from 'node:fs';
import { ForeignError } from '../errors.ts';

/** Takes away what stands on the terminal for the moment only. */
let clear: (() => void) | undefined;

/** `action` is done before anything else is written. */
export function beforeOutput(action: () => void): void {
  clear = action;
}

/** For whoever else is about to write there: a program that starts, or a prompt. */
export function clearForOthers(): void {
  const action = clear;
  clear = undefined;
  action?.();
}

/**
 * Writes all of `text`. A reader who went away is nobody's error, and where messages cannot be written there is
 * nobody to tell; output that cannot be written throws INTERNAL.
 */
export function write(fd: 1 | 2, text: string): void {
  clearForOthers();
  writeMore(fd, text);
}

/** As `write`, leaving what stands there. */
export function writeMore(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'EAGAIN') continue;
      if (code === 'EPIPE' || fd === 2) return;
      throw new ForeignError('INTERNAL', `cannot write to standard output: ${code}`, { cause });
    }
  }
}

export function writeLine(fd: 1 | 2, text: string): void {
  write(fd, `${text}\n`);
}
