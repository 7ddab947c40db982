/**
 * The user's keys: key files that were named, and those that systemd hands to a service. They are read when a sealed
 * program is met, once, and overwritten by `wipe`.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { ForeignError } from '../errors.ts';
import { infoOf, readSome } from '../launch/descriptor.ts';
import type { IdentityFile, Secrets } from '../loader/contract.ts';
import { seclude } from '../native/seclude.ts';
import { keyDescriptor } from './key-names.ts';
import { askPassphrase } from './prompt.ts';

/** No key file is larger. */
const MAX_SIZE = 2 ** 20;
const FIRST_SIZE = 4096;
const CREDENTIAL_PREFIX = 'run-foreign.identity';

export class UserSecrets implements Secrets {
  readonly #names: readonly Uint8Array[];
  readonly #credentials: string | undefined;
  #files: IdentityFile[] | undefined;

  /** `credentials` is systemd's directory of them (systemd.exec(5), Credentials). */
  constructor(names: readonly Uint8Array[], credentials: string | undefined) {
    this.#names = names;
    this.#credentials = credentials;
  }

  async identities(): Promise<readonly IdentityFile[]> {
    if (this.#files !== undefined) return this.#files;
    // Asked before, because others may then no longer look into /proc/self.
    const sources = this.#names.map((name) => ({ name, descriptor: openedDescriptor(name) }));
    seclude();
    this.#files = [];
    for (const { name, descriptor } of sources) this.#files.push(readKeyFile(name, descriptor));
    for (const path of this.#credentialFiles()) this.#files.push(readKeyFile(Buffer.from(path), undefined));
    return this.#files;
  }

  async passphrase(purpose: string): Promise<Uint8Array> {
    seclude();
    return askPassphrase(purpose);
  }

  /** Overwrites what was read. */
  wipe(): void {
    for (const { bytes } of this.#files ?? []) bytes.fill(0);
    this.#files = [];
  }

  #credentialFiles(): string[] {
    const directory = this.#credentials;
    if (directory === undefined) return [];
    try {
      const names = readdirSync(directory).filter((name) => name.startsWith(CREDENTIAL_PREFIX));
      return names.sort().map((name) => join(directory, name));
    } catch (cause) {
      throw cannotRead(`$CREDENTIALS_DIRECTORY ${directory}`, cause);
    }
  }
}

/** Throws USAGE for a descriptor that is not open, or is a terminal, where a key would be seen. */
function openedDescriptor(name: Uint8Array): number | undefined {
  const descriptor = keyDescriptor(name);
  if (descriptor === undefined) return undefined;
  const subject = Buffer.from(name).toString();
  if (infoOf(descriptor) === undefined) {
    throw new ForeignError('USAGE', `descriptor ${descriptor}, for a key, is not open`, { subject });
  }
  if (isatty(descriptor)) {
    throw new ForeignError('USAGE', 'is a terminal, and a key would be shown there', {
      subject,
      hint: 'name a file, or a pipe',
    });
  }
  return descriptor;
}

function readKeyFile(path: Uint8Array, descriptor: number | undefined): IdentityFile {
  const name = Buffer.from(path).toString();
  if (descriptor !== undefined) return { name, bytes: readAll(descriptor, name) };
  let fd: number;
  try {
    fd = openSync(Buffer.from(path), constants.O_RDONLY | constants.O_NOCTTY);
  } catch (cause) {
    throw cannotRead(name, cause);
  }
  try {
    if (fstatSync(fd).isDirectory()) throw cannotRead(name, { code: 'EISDIR' });
    return { name, bytes: readAll(fd, name) };
  } finally {
    closeSync(fd);
  }
}

/** Every buffer that has held keys and is not the result is overwritten. */
function readAll(fd: number, name: string): Uint8Array {
  let bytes = Buffer.alloc(FIRST_SIZE);
  let size = 0;
  for (;;) {
    const count = readSome(fd, bytes.subarray(size), name, 'USAGE');
    if (count === 0) return bytes.subarray(0, size);
    size += count;
    if (size < bytes.length) continue;
    const larger = Buffer.alloc(2 * size);
    larger.set(bytes);
    bytes.fill(0);
    bytes = larger;
    if (size >= MAX_SIZE) {
      bytes.fill(0);
      throw new ForeignError('USAGE', `is larger than ${MAX_SIZE} bytes, and no key file`, { subject: name });
    }
  }
}

function cannotRead(subject: string, cause: unknown): ForeignError {
  const why = (cause as NodeJS.ErrnoException).code;
  return new ForeignError('USAGE', `cannot be read for its keys: ${why}`, { subject, cause });
}
