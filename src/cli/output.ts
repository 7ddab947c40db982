/** Writing without process.stdout: that may switch a shared pipe or terminal to non-blocking mode. */
import { writeSync } from 'node:fs';

/** Writes all of `text`; a reader who went away is nobody's error. */
export function write(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
    }
  }
}

export function writeLine(fd: 1 | 2, text: string): void {
  write(fd, `${text}\n`);
}
