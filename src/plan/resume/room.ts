/** Addresses that the process does not have: for the stub, and for what must stay although it was not there. */
import type { Range } from '../../image/image.ts';
import type { ProcessState } from '../../image/process-state.ts';
import { ADDRESS_SPACES, pageEnd } from '../../process/address-space.ts';
import { findStub } from '../../process/layout.ts';

type Random = { readonly random: (length: number) => Uint8Array };

const SPACE = ADDRESS_SPACES.x86_64;

/** Finds room in an address space; what it has given is taken. */
export class Room {
  readonly #taken: Range[];
  readonly #host: Random;

  constructor(state: ProcessState, host: Random) {
    this.#taken = [...state.mappings, ...wholeObjects(state), heapToGrow(state)];
    this.#host = host;
  }

  /** Whole pages, at least `size` bytes; throws IMAGE_REFUSED. */
  take(size: bigint): Range {
    const stubReserve = pageEnd(size);
    const start = findStub(this.#taken, { ...SPACE, stubReserve }, this.#host);
    const range = { start, end: start + stubReserve };
    this.#taken.push(range);
    return range;
  }
}

/** Shared memory is there as a whole for a moment, also what of it is mapped no more. */
function wholeObjects({ mappings, openFiles }: ProcessState): Range[] {
  return mappings.flatMap(({ start, backing }) => {
    const file = backing.kind === 'object' ? openFiles[backing.openFile] : undefined;
    if (backing.kind !== 'object' || file?.kind !== 'shared memory') return [];
    const base = start - backing.offset;
    return [{ start: base, end: base + pageEnd(file.content.size) }];
  });
}

/** A heap can grow where nothing is above it: 1 GiB of it is kept free. */
function heapToGrow({ mm }: ProcessState): Range {
  return { start: mm.start_brk, end: mm.brk + 0x4000_0000n };
}
