/** Broken mappings, protections, reads and copies. */
import { absolute } from '../../../src/process/place.ts';
import {
  again,
  DYNAMIC,
  moved,
  type Sabotage,
  STATIC,
  step,
  without,
  withPayloads,
  withSteps,
} from './change.ts';

/** Where the dynamic program's first page is, without randomisation: ELF_ET_DYN_BASE, whole pages. */
const DYNAMIC_BASE = 0x5555_5555_4000n;

export const MEMORY: readonly Sabotage[] = [
  {
    rule: 'user-space',
    how: 'the last page of the kernel’s',
    of: STATIC,
    change: step('mmap', () => ({ at: absolute((1n << 47n) - 0x1000n) })),
  },
  {
    rule: 'user-space',
    how: 'a negative address',
    of: STATIC,
    change: step('mmap', () => ({ at: absolute(-0x1000n) })),
  },
  {
    rule: 'low-address',
    how: 'below the minimum',
    of: STATIC,
    change: (good) => ({ ...good, host: { ...good.host, lowestMapping: () => 0x500000n } }),
  },
  {
    rule: 'meets-stub',
    how: 'the data page',
    of: STATIC,
    change: (good) => moved(good.plan.stub - 0x400000n)(good),
  },
  {
    rule: 'meets-stub',
    how: 'the last page of the file',
    of: STATIC,
    change: (good) => moved(good.plan.stub + 0x2000n - 0x400000n)(good),
  },
  { rule: 'reservation', how: 'no size', of: DYNAMIC, change: step('reserve', () => ({ size: 0n })) },
  {
    rule: 'reservation',
    how: 'three pages as alignment',
    of: DYNAMIC,
    change: step('reserve', () => ({ align: 0x3000n })),
  },
  {
    rule: 'reservation',
    how: 'more than there is',
    of: DYNAMIC,
    change: step('reserve', () => ({ size: 1n << 47n })),
  },
  { rule: 'reservation', how: 'twice', of: DYNAMIC, change: again('reserve') },
  { rule: 'vdso', how: 'in the way', of: DYNAMIC, change: without('vdso') },
  { rule: 'vdso', how: 'twice', of: DYNAMIC, change: again('vdso') },
  {
    rule: 'vdso',
    how: 'on the stub',
    of: DYNAMIC,
    change: (good) => step('vdso', () => ({ aside: good.plan.stub + 0x1000n }))(good),
  },
  { rule: 'vdso', how: 'on the program', of: DYNAMIC, change: step('vdso', () => ({ aside: DYNAMIC_BASE })) },
  {
    rule: 'vdso',
    how: 'off a page',
    of: DYNAMIC,
    change: step('vdso', ({ aside }) => ({ aside: aside + 8n })),
  },
  {
    rule: 'vdso',
    how: 'half of it',
    of: DYNAMIC,
    change: step('vdso', ({ pieces }) => ({ pieces: pieces.slice(1) })),
  },
  { rule: 'reserved', how: 'without room', of: DYNAMIC, change: without('reserve') },
  {
    rule: 'reserved',
    how: 'a page too little',
    of: DYNAMIC,
    change: step('reserve', ({ size }) => ({ size: size - 0x1000n })),
  },
  {
    rule: 'whole-pages',
    how: 'a bit of a page',
    of: STATIC,
    change: step('mmap', ({ size }) => ({ size: size - 8n })),
  },
  { rule: 'whole-pages', how: 'nothing', of: STATIC, change: step('mmap', () => ({ size: 0n })) },
  {
    rule: 'file-range',
    how: 'a mapping behind where any file ends',
    of: STATIC,
    change: step('mmap', ({ file }) => ({ file: { ...file, offset: (1n << 63n) - 0x1000n } })),
  },
  {
    rule: 'file-range',
    how: 'an offset inside a page',
    of: STATIC,
    change: step('mmap', ({ file }) => ({ file: { ...file, offset: 8n } })),
  },
  {
    rule: 'file-range',
    how: 'a read behind the end',
    of: 'aout-zmagic',
    change: step('read', () => ({ offset: 0x10000n })),
  },
  {
    rule: 'payload-range',
    how: 'more than the source has',
    of: `${STATIC}, memory`,
    change: (good) =>
      withPayloads(good, (payloads) => payloads.map((each) => ({ ...each, offset: 0x10000 }))),
  },
  {
    rule: 'payload-range',
    how: 'two in one place',
    of: `${STATIC}, memory`,
    change: (good) => withPayloads(good, (payloads) => payloads.map((each) => ({ ...each, at: 0 }))),
  },
  { rule: 'overlap', how: 'the same page twice', of: STATIC, change: moved(0x1000n) },
  {
    rule: 'replaces-own',
    how: 'a page of nobody',
    of: STATIC,
    change: step('mmap', () => ({ replace: true })),
  },
  {
    rule: 'writable',
    how: 'zeros into text',
    of: STATIC,
    change: step('zero', () => ({ at: absolute(0x401010n) })),
  },
  {
    rule: 'writable',
    how: 'zeros over the end of the pages',
    of: STATIC,
    change: step('zero', ({ size }) => ({ size: size + 0x10000n })),
  },
  {
    rule: 'writable',
    how: 'zeros into a page behind the end of the file',
    of: STATIC,
    change: step(
      'mmap',
      ({ file }) => ({ file: { ...file, offset: 0x40_0000n } }),
      ({ protection, file }) => protection === 'rw-' && file !== undefined,
    ),
  },
  {
    rule: 'writable',
    how: 'a read before its pages are there',
    of: 'aout-zmagic',
    change: (good) =>
      withSteps(good, [...good.plan.steps.filter(({ op }) => op === 'read'), ...good.plan.steps]),
  },
  {
    rule: 'writable',
    how: 'a read after its page was protected',
    of: `${STATIC}, secret`,
    change: (good) => {
      const early = good.plan.steps.filter(({ op }) => op === 'mprotect');
      const at = good.plan.steps.findIndex(({ op }) => op === 'read');
      return withSteps(good, [
        ...good.plan.steps.slice(0, at),
        ...early.slice(0, 1),
        ...good.plan.steps.slice(at),
      ]);
    },
  },
  {
    rule: 'mapped',
    how: 'a page of nobody',
    of: `${STATIC}, secret`,
    change: step('mprotect', () => ({ at: absolute(0x600000n) })),
  },
  {
    rule: 'write-and-execute',
    how: 'writable text',
    of: STATIC,
    change: step(
      'mmap',
      () => ({ protection: 'rwx' }),
      ({ protection }) => protection === 'r-x',
    ),
  },
  {
    rule: 'write-and-execute',
    how: 'for the interpreter',
    of: DYNAMIC,
    change: step(
      'mmap',
      () => ({ protection: 'rwx' }),
      ({ at }) => at.base === 'interp',
    ),
  },
  {
    rule: 'final-protection',
    how: 'text that stays writable',
    of: `${STATIC}, secret`,
    change: without('mprotect'),
  },
  {
    rule: 'final-protection',
    how: 'a segment that is left out',
    of: STATIC,
    change: (good) => withSteps(good, good.plan.steps.slice(1)),
  },
  {
    rule: 'entry-executable',
    how: 'in data',
    of: STATIC,
    change: step('jump', () => ({ entry: absolute(0x403e00n) })),
  },
  {
    rule: 'entry-executable',
    how: 'nowhere',
    of: DYNAMIC,
    change: step('jump', () => ({ entry: { base: 'interp', offset: 0x100000n } })),
  },
  {
    rule: 'contents',
    how: 'another page of the file',
    of: STATIC,
    change: step(
      'mmap',
      ({ file }) => ({ file: { ...file, offset: 0n } }),
      ({ protection }) => protection === 'r-x',
    ),
  },
  {
    rule: 'contents',
    how: 'zeros over data',
    of: STATIC,
    change: step('zero', ({ at, size }) => ({ at: absolute(at.offset - 8n), size: size + 8n })),
  },
  { rule: 'contents', how: 'nothing read', of: 'aout-zmagic', change: without('read') },
  {
    rule: 'contents',
    how: 'bytes read to a word farther on',
    of: `${STATIC}, secret`,
    change: step('read', ({ at }) => ({ at: absolute(at.offset + 8n) })),
  },
  {
    rule: 'contents',
    how: 'the vault from its second page on',
    of: `${STATIC}, memory`,
    change: step('mmap', () => ({ file: { index: 0, offset: 0x1000n } })),
  },
];
