/**
 * A guest's root file system as the kernel unpacks it: a cpio archive in the "newc" format, uncompressed, since
 * unpacking costs an emulated machine more than reading. Documentation/driver-api/early-userspace/buffer-format.rst.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const TRAILER = 'TRAILER!!!';

type Content = { readonly path: string } | { readonly bytes: Uint8Array };

export class Initramfs {
  /** By absolute path in the guest. */
  readonly #files = new Map<string, { readonly mode: number; readonly content: Content }>();

  add(guest: string, bytes: Uint8Array | string, mode = 0o644): void {
    this.#files.set(guest, { mode, content: { bytes: Buffer.from(bytes) } });
  }

  /** A file or directory of the host; symbolic links become what they lead to. */
  copy(path: string, guest = path): void {
    const status = statSync(path);
    if (status.isDirectory()) {
      for (const name of readdirSync(path)) this.copy(join(path, name), join(guest, name));
    } else {
      this.#files.set(guest, { mode: status.mode & 0o777, content: { path } });
    }
  }

  /** A program of the host and the libraries it asks for, where it asks for them. */
  copyProgram(path: string, guest = path): void {
    this.copy(path, guest);
    const libraries = execFileSync('ldd', [path], { encoding: 'utf8' });
    for (const [, library = ''] of libraries.matchAll(/(\/\S+) \(0x/g)) this.copy(library);
  }

  write(output: string): void {
    const fd = openSync(output, 'w');
    try {
      let inode = 1;
      for (const directory of this.#directories()) {
        writeEntry(fd, directory.slice(1), S_IFDIR | 0o755, inode++, Buffer.alloc(0));
      }
      for (const [guest, { mode, content }] of this.#files) {
        const bytes = 'path' in content ? readFileSync(content.path) : content.bytes;
        writeEntry(fd, guest.slice(1), S_IFREG | mode, inode++, bytes);
      }
      writeEntry(fd, TRAILER, 0, 0, Buffer.alloc(0));
    } finally {
      closeSync(fd);
    }
  }

  /** Every directory of every file, parents first. */
  #directories(): string[] {
    const all = new Set<string>();
    for (const guest of this.#files.keys()) {
      for (let at = dirname(guest); at !== '/'; at = dirname(at)) all.add(at);
    }
    return [...all].sort();
  }
}

function writeEntry(fd: number, name: string, mode: number, inode: number, bytes: Uint8Array): void {
  const string = Buffer.from(`${name}\0`);
  // ino, mode, uid, gid, nlink, mtime, filesize, four of devices, namesize, check.
  const numbers = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, string.length, 0];
  const header = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`;
  writeAll(fd, padded(Buffer.concat([Buffer.from(header), string])));
  writeAll(fd, padded(bytes));
}

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
