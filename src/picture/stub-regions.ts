/** What a picture shows before a program or a process is there: the stub, as src/emit/stub.ts lays it out. */
import { PAGE_SIZE } from '../process/address-space.ts';
import type { Region } from './model.ts';

const READ_WRITE = { read: true, write: true, execute: false };
const READ_EXECUTE = { read: true, write: false, execute: true };

export function stubRegions(at: bigint): Region[] {
  const page = (index: bigint) => at + index * PAGE_SIZE;
  return [
    { start: page(0n), end: page(1n), name: 'data page', protection: READ_WRITE },
    { start: page(1n), end: page(2n), name: 'hand-over page', protection: READ_WRITE },
    { start: page(2n), end: page(2n), name: 'its file: code and tables', protection: READ_EXECUTE },
  ];
}

/** Something of the kernel's whose size nobody has asked for. */
export const kernelRegion = (name: string): Region => ({ start: 0n, end: 0n, name, protection: undefined });
