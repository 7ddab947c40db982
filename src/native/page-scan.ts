/** Which pages of a process are there, and which of those are a file's. */
import { closeSync, openSync, readSync } from 'node:fs';
import { declare, koffi } from './koffi.ts';
import { SystemError } from './libc.ts';

/** A run of pages that are alike. */
export interface PageRun {
  readonly start: bigint;
  readonly end: bigint;
  /** Pages of a file, or of shared memory, and not the process's own. */
  readonly file: boolean;
}

const PAGE_SIZE = 4096n;

const ioctl = declare('int ioctl(int fd, unsigned long request, void *argument)');

/** struct pm_scan_arg (include/uapi/linux/fs.h): twelve u64. */
const PAGEMAP_SCAN = 0xc0606610;
const ARGUMENT_SIZE = 96;
const FIELD = {
  size: 0,
  start: 16,
  end: 24,
  walk_end: 32,
  vec: 40,
  vec_len: 48,
  category_anyof_mask: 80,
  return_mask: 88,
};
const PAGE_IS = { FILE: 4n, PRESENT: 8n, SWAPPED: 16n, PFNZERO: 32n };
/** struct page_region: start, end, categories. */
const REGION_SIZE = 24;
const REGIONS = 4096;

/** Pages that are in memory or in swap, in ranges that ascend, ascending. proc_pid_pagemap(5) */
export function presentPages(
  pid: number,
  ranges: readonly { readonly start: bigint; readonly end: bigint }[],
): PageRun[] {
  const [first, last] = [ranges[0], ranges.at(-1)];
  if (first === undefined || last === undefined) return [];
  const fd = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    // What is read has an entry for each page of the address space, also where nothing is mapped.
    return scan(fd, first.start, last.end) ?? ranges.flatMap(({ start, end }) => readAll(fd, start, end));
  } finally {
    closeSync(fd);
  }
}

/** Linux 6.7 and later; undefined before. What is a page of zeros is left out. */
function scan(fd: number, start: bigint, end: bigint): PageRun[] | undefined {
  const runs: PageRun[] = [];
  const regions = Buffer.alloc(REGIONS * REGION_SIZE);
  for (let from = start; from < end; ) {
    const argument = Buffer.alloc(ARGUMENT_SIZE);
    argument.writeBigUInt64LE(BigInt(ARGUMENT_SIZE), FIELD.size);
    argument.writeBigUInt64LE(from, FIELD.start);
    argument.writeBigUInt64LE(end, FIELD.end);
    argument.writeBigUInt64LE(koffi().address(regions), FIELD.vec);
    argument.writeBigUInt64LE(BigInt(REGIONS), FIELD.vec_len);
    argument.writeBigUInt64LE(PAGE_IS.PRESENT | PAGE_IS.SWAPPED, FIELD.category_anyof_mask);
    argument.writeBigUInt64LE(PAGE_IS.FILE | PAGE_IS.PFNZERO, FIELD.return_mask);
    const found = ioctl(fd, PAGEMAP_SCAN, argument) as number;
    if (found < 0) {
      if (koffi().errno() === ENOTTY) return undefined;
      throw new SystemError('PAGEMAP_SCAN', koffi().errno());
    }
    for (let index = 0; index < found; index++) {
      const at = index * REGION_SIZE;
      const categories = regions.readBigUInt64LE(at + 16);
      if ((categories & PAGE_IS.PFNZERO) !== 0n) continue;
      runs.push({
        start: regions.readBigUInt64LE(at),
        end: regions.readBigUInt64LE(at + 8),
        file: (categories & PAGE_IS.FILE) !== 0n,
      });
    }
    from = argument.readBigUInt64LE(FIELD.walk_end);
  }
  return runs;
}

const ENOTTY = 25;

/** Bits of the upper half of an entry of /proc/PID/pagemap. */
const PM = { PRESENT: 1 << 31, SWAPPED: 1 << 30, FILE: 1 << 29 };
const ENTRIES = 65536;

function readAll(fd: number, start: bigint, end: bigint): PageRun[] {
  const runs: PageRun[] = [];
  const bytes = Buffer.alloc(ENTRIES * 8);
  let run: PageRun | undefined;
  for (let page = start / PAGE_SIZE; page < end / PAGE_SIZE; ) {
    const wanted = Math.min(ENTRIES, Number(end / PAGE_SIZE - page));
    const entries = Math.floor(readSync(fd, bytes, 0, wanted * 8, Number(page) * 8) / 8);
    if (entries === 0) break;
    for (let index = 0; index < entries; index++, page++) {
      const flags = bytes.readInt32LE(index * 8 + 4);
      if ((flags & (PM.PRESENT | PM.SWAPPED)) === 0) continue;
      const file = (flags & PM.FILE) !== 0;
      const at = page * PAGE_SIZE;
      if (run !== undefined && run.end === at && run.file === file) run = { ...run, end: at + PAGE_SIZE };
      else {
        if (run !== undefined) runs.push(run);
        run = { start: at, end: at + PAGE_SIZE, file };
      }
    }
  }
  if (run !== undefined) runs.push(run);
  return runs;
}
