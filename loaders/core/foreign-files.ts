/**
 * The files of a core that is no checkpoint. It names them (NT_FILE) and holds the first page of most, as coredump_filter(5) says
 * by default: from that page come a file's build id and the protections of what the core leaves out.
 */
import { buildIdOf, type Mapping, type Protection } from 'run-foreign/loader';
import { PF, PHDR, PT } from './elf-core.ts';
import type { MemoryView } from './memory-view.ts';
import type { CoreFile } from './standard-notes.ts';

const PAGE = 4096n;
const ELF64 = { magic: 0x7f454c46, e_phoff: 32, e_phentsize: 54, e_phnum: 56, size: 64 } as const;

/** What is known of a file by its first page. */
export interface FileFacts {
  readonly buildId?: Uint8Array | undefined;
  /** PT_LOADs: the pages of memory that each covers, and how they are mapped. */
  readonly parts: readonly { readonly from: bigint; readonly to: bigint; readonly protection: Protection }[];
}

const key = (path: Uint8Array): string => Buffer.from(path).toString('hex');

/** By path. */
export class CoreFiles {
  readonly list: readonly CoreFile[];
  readonly #facts = new Map<string, FileFacts>();

  private constructor(list: readonly CoreFile[]) {
    this.list = list;
  }

  static async read(list: readonly CoreFile[], memory: MemoryView): Promise<CoreFiles> {
    const files = new CoreFiles(list);
    for (const { path, offset, start } of list) {
      if (offset !== 0n || files.#facts.has(key(path))) continue;
      const page = await memory.bytes(start, Number(PAGE));
      if (page !== undefined) files.#facts.set(key(path), factsOf(page, start));
    }
    return files;
  }

  at(address: bigint): CoreFile | undefined {
    return this.list.find(({ start, end }) => start <= address && address < end);
  }

  facts({ path }: CoreFile): FileFacts {
    return this.#facts.get(key(path)) ?? { parts: [] };
  }

  /** The file's pages from an address on. */
  backing(file: CoreFile, address: bigint): Mapping['backing'] {
    const { path, start, offset } = file;
    const { buildId } = this.facts(file);
    const reference = { path, ...(buildId !== undefined && { buildId }) };
    return { kind: 'file', file: reference, offset: offset + (address - start) };
  }

  /**
   * Mappings of files that the core says nothing of but their names: gcore does so with what nobody has written to. Where not
   * even the file's first page is there, it may be read and nothing else.
   */
  leftOut(loaded: readonly Mapping[]): Mapping[] {
    return this.list
      .filter((file) => !loaded.some(({ start, end }) => start < file.end && file.start < end))
      .map((file) => ({
        start: file.start,
        end: file.end,
        protection: this.#protectionOf(file),
        shared: false,
        growsDown: false,
        backing: this.backing(file, file.start),
        flags: [],
      }));
  }

  #protectionOf(file: CoreFile): Protection {
    const part = this.facts(file).parts.find(({ from, to }) => from <= file.start && file.end <= to);
    return part === undefined ? { read: true, write: false, execute: false } : part.protection;
  }
}

/** Of an ELF file whose first page is at `address`; of any other nothing is known. */
function factsOf(page: Buffer, address: bigint): FileFacts {
  if (page.readUInt32BE(0) !== ELF64.magic || page.readUInt16LE(ELF64.e_phentsize) !== PHDR.size)
    return { parts: [] };
  const start = page.readBigUInt64LE(ELF64.e_phoff);
  const count = page.readUInt16LE(ELF64.e_phnum);
  const buildId = buildIdOf((offset, length) => page.subarray(offset, offset + length));
  const parts: FileFacts['parts'][number][] = [];
  let base: bigint | undefined;
  for (let index = 0; index < count; index++) {
    const at = start + BigInt(index * PHDR.size);
    if (at + BigInt(PHDR.size) > page.length) break;
    const header = page.subarray(Number(at));
    if (header.readUInt32LE(PHDR.p_type) !== PT.LOAD) continue;
    const flags = header.readUInt32LE(PHDR.p_flags);
    const first = header.readBigUInt64LE(PHDR.p_vaddr);
    const end = first + header.readBigUInt64LE(PHDR.p_filesz) + PAGE - 1n;
    // The first one is the one that holds the file's first page (load_elf_binary in fs/binfmt_elf.c).
    base ??= address - (first - (first % PAGE));
    parts.push({
      from: base + first - (first % PAGE),
      to: base + end - (end % PAGE),
      protection: { read: (flags & PF.R) !== 0, write: (flags & PF.W) !== 0, execute: (flags & PF.X) !== 0 },
    });
  }
  return { buildId, parts };
}
