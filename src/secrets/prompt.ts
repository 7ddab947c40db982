/**
 * Asks for a passphrase on the terminal. The terminal is raw meanwhile: ^C must not end the launcher, our parent in the
 * same process group, while echo is off, so it is read like any other key.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { ForeignError, printable } from '../errors.ts';

const MAX_LENGTH = 4096;
const KEY = {
  interrupt: 0x03,
  endOfFile: 0x04,
  backspace: 0x08,
  newline: 0x0a,
  enter: 0x0d,
  kill: 0x15,
  delete: 0x7f,
};

/** UTF-8, to be overwritten by the caller. Throws KEY_NEEDED where there is no terminal, or nothing was typed. */
export async function askPassphrase(purpose: string): Promise<Uint8Array> {
  const terminal = openTerminal(purpose);
  try {
    const typed = await readLine(() => writeSync(terminal, printable(`Passphrase for ${purpose}: `)));
    writeSync(terminal, '\n');
    if (typed instanceof Uint8Array) return typed;
    // All of us, as the terminal would have done. Where it is ignored, this is just a passphrase that is missing.
    if (typed === 'interrupted') process.kill(0, 'SIGINT');
  } finally {
    closeSync(terminal);
  }
  throw new ForeignError('KEY_NEEDED', 'needs a passphrase, and none was given');
}

/** The process's own terminal, whatever its standard streams are. */
function openTerminal(purpose: string): number {
  try {
    return openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY);
  } catch (cause) {
    throw new ForeignError('KEY_NEEDED', `a passphrase is needed for ${purpose}, and there is no terminal`, {
      hint: 'run it from a terminal, or seal it for a key and name that with -i',
      cause,
    });
  }
}

/** What is typed; `prompt` is called when nothing of it will be shown. */
function readLine(prompt: () => void): Promise<Uint8Array | 'interrupted' | 'ended'> {
  const input = new ReadStream(openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY));
  const line = new Line();
  return new Promise((resolve) => {
    const finish = (result: Uint8Array | 'interrupted' | 'ended') => {
      input.setRawMode(false);
      input.destroy();
      if (typeof result === 'string') line.clear();
      resolve(result);
    };
    input.on('error', () => finish('ended'));
    input.on('end', () => finish('ended'));
    input.on('data', (bytes: Buffer) => {
      for (const byte of bytes) {
        if (byte === KEY.enter || byte === KEY.newline) finish(line.take());
        else if (byte === KEY.interrupt) finish('interrupted');
        else if (byte === KEY.endOfFile && line.isEmpty) finish('ended');
        else line.type(byte);
        if (input.destroyed) break;
      }
      bytes.fill(0);
    });
    input.setRawMode(true);
    prompt();
  });
}

/** What was typed so far. */
class Line {
  readonly #bytes = Buffer.alloc(MAX_LENGTH);
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  type(byte: number): void {
    if (byte === KEY.kill) this.clear();
    else if (byte === KEY.backspace || byte === KEY.delete) this.#eraseCharacter();
    else if (byte >= 0x20 && this.#length < MAX_LENGTH) this.#bytes[this.#length++] = byte;
  }

  /** The bytes, which are the caller's then. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }

  /** Of a character in UTF-8 all bytes but the first are 10xxxxxx. */
  #eraseCharacter(): void {
    while (this.#length > 0) {
      this.#length -= 1;
      const byte = this.#bytes[this.#length] ?? 0;
      this.#bytes[this.#length] = 0;
      if ((byte & 0xc0) !== 0x80) return;
    }
  }
}
