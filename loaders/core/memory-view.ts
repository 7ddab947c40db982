/** The memory that a core file holds, by address. */
import type { Source } from 'run-foreign/loader';
import { PT } from './elf-core.ts';
import type { CoreHeader } from './headers.ts';

export class MemoryView {
  readonly #loads: readonly CoreHeader[];
  readonly #source: Source;

  constructor(headers: readonly CoreHeader[], source: Source) {
    this.#loads = headers.filter(({ type, filesz }) => type === PT.LOAD && filesz > 0);
    this.#source = source;
  }

  /** Undefined where not all of them are there, in one segment. */
  async bytes(address: bigint, length: number): Promise<Buffer | undefined> {
    const header = this.#loads.find(
      ({ vaddr, filesz }) => vaddr <= address && address + BigInt(length) <= vaddr + BigInt(filesz),
    );
    if (header === undefined) return undefined;
    return Buffer.from(await this.#source.read(header.offset + Number(address - header.vaddr), length));
  }

  async word(address: bigint): Promise<bigint | undefined> {
    return (await this.bytes(address, 8))?.readBigUInt64LE();
  }

  async word32(address: bigint): Promise<number | undefined> {
    return (await this.bytes(address, 4))?.readUInt32LE();
  }
}
