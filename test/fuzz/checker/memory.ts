/** What a plan's steps do to an address space, one after the other, and whether each may. */
import type { Range } from '../../../src/image/image.ts';
import type { ProtectionText } from '../../../src/image/permissions.ts';
import type { Step } from '../../../src/plan/plan.ts';
import type { Base } from '../../../src/process/place.ts';
import { AddressMap } from './address-map.ts';
import { KERNEL, meets } from './kernel-areas.ts';
import { lastSegments, PAGE, pageDown, pageUp, placedParts, textOf } from './parts.ts';
import type { Judged, Verdicts } from './rules.ts';
import { fileSize } from './vault.ts';

/** Each base that is known only at run time is an address space of its own. */
export class Memory {
  readonly #spaces = new Map<Base, AddressMap<ProtectionText>>();

  of(base: Base): AddressMap<ProtectionText> {
    const space = this.#spaces.get(base) ?? new AddressMap<ProtectionText>();
    this.#spaces.set(base, space);
    return space;
  }
}

type MemoryStep = Extract<Step, { at: unknown }>;

const isWritable = (text: ProtectionText) => text[1] === 'w';

export class MemoryChecker {
  readonly memory = new Memory();
  readonly #judged: Judged;
  readonly #verdicts: Verdicts;
  readonly #stub: Range;
  readonly #reserved = new Map<Base, Range>();
  /** Where pages are mapped that a file does not have. */
  readonly #missing = new Map<Base, AddressMap<boolean>>();
  readonly #bothWanted: ReadonlyMap<Base, AddressMap<true>>;

  constructor(judged: Judged, verdicts: Verdicts, stub: Range) {
    this.#judged = judged;
    this.#verdicts = verdicts;
    this.#stub = stub;
    this.#bothWanted = writableAndExecutable(judged);
  }

  check(step: Step): void {
    if (step.op === 'reserve') this.#reserve(step);
    else if ('at' in step) this.#change(step);
  }

  #reserve(step: Extract<Step, { op: 'reserve' }>): void {
    const { taskSize } = KERNEL[this.#judged.plan.arch];
    const { base, start, size, align } = step;
    const good =
      size > 0n &&
      start >= 0n &&
      start % PAGE === 0n &&
      size % PAGE === 0n &&
      align >= PAGE &&
      size <= taskSize &&
      align <= taskSize;
    const power = align > 0n && (align & (align - 1n)) === 0n;
    this.#verdicts.rule('reservation', good && power && !this.#reserved.has(base), () => describe(step));
    this.#reserved.set(base, { start, end: start + size });
  }

  #change(step: MemoryStep): void {
    const verdicts = this.#verdicts;
    const where = range(step);
    this.#checkPlace(step, where);
    const space = this.memory.of(step.at.base);
    if (step.op === 'mmap' || step.op === 'mprotect' || step.op === 'hide') {
      const whole = where.start % PAGE === 0n && where.end % PAGE === 0n && where.start < where.end;
      verdicts.rule('whole-pages', whole, () => describe(step));
    }
    if (step.op === 'mmap' || step.op === 'mprotect') this.#checkBoth(step, where);
    if (step.op === 'mmap') {
      const met = space.over(where.start, where.end);
      if (step.replace)
        verdicts.rule('replaces-own', space.covers(where.start, where.end), () => describe(step));
      else verdicts.rule('overlap', met.length === 0, () => describe(step));
      this.#missing.get(step.at.base)?.set(where.start, where.end, false);
      this.#checkMappedFile(step);
    } else if (step.op === 'mprotect' || step.op === 'hide') {
      verdicts.rule('mapped', space.covers(where.start, where.end), () => describe(step));
    } else {
      const writable = where.start < where.end && space.covers(where.start, where.end, isWritable);
      const missing = this.#missing.get(step.at.base)?.over(where.start, where.end) ?? [];
      const there = missing.every(({ value }) => !value);
      verdicts.rule('writable', writable && there, () => describe(step));
      this.#checkSourceOf(step);
    }
    if (step.op === 'mmap' || step.op === 'mprotect') space.set(where.start, where.end, step.protection);
  }

  #checkPlace(step: MemoryStep, where: Range): void {
    const { plan, host } = this.#judged;
    const { taskSize } = KERNEL[plan.arch];
    if (step.at.base === 'absolute') {
      this.#verdicts.rule('user-space', where.start >= 0n && where.end <= taskSize, () => describe(step));
      this.#verdicts.rule('low-address', where.start >= host.lowestMapping(), () => describe(step));
      this.#verdicts.rule('meets-stub', !meets(where, this.#stub), () => describe(step));
      return;
    }
    const room = this.#reserved.get(step.at.base);
    // Segments in disorder lie below the first, which the room begins with, as under execve.
    const lowest = room === undefined ? 0n : room.start - (room.end - room.start);
    const inside = room !== undefined && lowest <= where.start && where.end <= room.end;
    this.#verdicts.rule('reserved', inside, () => describe(step));
  }

  #checkBoth(step: Extract<Step, { op: 'mmap' | 'mprotect' }>, where: Range): void {
    if (step.protection[1] !== 'w' || step.protection[2] !== 'x') return;
    const wanted = this.#bothWanted.get(step.at.base)?.covers(where.start, where.end) === true;
    this.#verdicts.rule('write-and-execute', wanted, () => describe(step));
  }

  #checkMappedFile(step: Extract<Step, { op: 'mmap' }>): void {
    if (step.file === undefined) return;
    const { index, offset } = step.file;
    const fileEnd = pageUp(BigInt(this.#fileSize(index, step)));
    const good = offset >= 0n && offset % PAGE === 0n && offset + step.size < 1n << 63n;
    this.#verdicts.rule('file-range', good, () => describe(step));
    // Pages behind the end of the file may be mapped, but who touches them gets SIGBUS.
    const backed = offset >= fileEnd ? 0n : fileEnd - offset;
    const { start, end } = range(step);
    const missing = this.#missing.get(step.at.base) ?? new AddressMap<boolean>();
    missing.set(start, end, false);
    if (backed < step.size) missing.set(start + backed, end, true);
    this.#missing.set(step.at.base, missing);
  }

  #checkSourceOf(step: Extract<Step, { op: 'read' | 'zero' }>): void {
    if (step.op !== 'read') return;
    const size = this.#fileSize(step.file, step);
    const inside = step.offset >= 0n && step.offset + step.size <= BigInt(size);
    this.#verdicts.rule('file-range', inside, () => describe(step));
  }

  #fileSize(index: number, step: Step): number {
    const size = fileSize(this.#judged, index);
    this.#verdicts.rule('known-file', size !== undefined, () => describe(step));
    return size ?? 0;
  }
}

/** The pages that a part wants writable and executable at once. */
function writableAndExecutable(judged: Judged): Map<Base, AddressMap<true>> {
  const wanted = new Map<Base, AddressMap<true>>();
  for (const { part, base, bias } of placedParts(judged)) {
    const pages = wanted.get(base) ?? new AddressMap<true>();
    for (const { address, size, protection } of part.segments) {
      if (protection.write && protection.execute)
        pages.set(pageDown(address + bias), pageUp(address + size + bias), true);
    }
    wanted.set(base, pages);
  }
  return wanted;
}

/** In the end every page is as the last segment in it wants it. */
export function checkFinalProtections(judged: Judged, memory: Memory, verdicts: Verdicts): void {
  for (const [base, seen] of lastSegments(judged)) {
    for (const { start, end, value } of seen.pieces) {
      const wanted = textOf(value.segment.protection);
      const same = memory.of(base).covers(start, end, (found) => found === wanted);
      verdicts.rule('final-protection', same, () => `0x${start.toString(16)} is to be ${wanted}`);
    }
  }
}

function range({ at, size }: MemoryStep): Range {
  return { start: at.offset, end: at.offset + size };
}

function describe(step: Step): string {
  return JSON.stringify(step, (_, value) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
}
