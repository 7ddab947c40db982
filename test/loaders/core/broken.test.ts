/** Checkpoints that are cut off or changed, everywhere: each is told with where, or is still the same process. */
import { beforeAll, describe, expect, test } from 'vitest';
import { EHDR, PHDR, PT } from '../../../loaders/core/elf-core.ts';
import { ForeignError, FormatError } from '../../../src/errors.ts';
import { validateImage } from '../../../src/image/validate.ts';
import { coreOf, loadCoreBytes, loadCoreFile } from '../../support/cores.ts';
import { randomProcess } from '../../support/process-state.ts';
import { Random } from '../../support/random.ts';
import { fileLike } from '../../support/sources.ts';

const TASK_SIZE = 0x7fff_ffff_f000n;
const written = randomProcess(new Random(11));
let good: Buffer;

beforeAll(async () => {
  good = await coreOf(written);
});

/** As a plain file, of which nobody reads all. */
async function outcome(bytes: Buffer): Promise<string> {
  try {
    validateImage(await loadCoreFile(fileLike(bytes, 7)), TASK_SIZE);
    return 'loaded';
  } catch (error) {
    if (!(error instanceof ForeignError)) throw error;
    if (error instanceof FormatError) {
      expect(error.location.offset).toBeGreaterThanOrEqual(0);
      expect(error.location.field).not.toBe('');
    }
    return error.code;
  }
}

interface Header {
  readonly at: number;
  readonly type: number;
  readonly offset: number;
  readonly filesz: number;
}

function headersOf(bytes: Buffer): Header[] {
  return Array.from({ length: bytes.readUInt16LE(EHDR.e_phnum) }, (_, index) => {
    const at = EHDR.size + index * PHDR.size;
    return {
      at,
      type: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + PHDR.p_offset)),
      filesz: Number(bytes.readBigUInt64LE(at + PHDR.p_filesz)),
    };
  });
}

/** Where each note of the first PT_NOTE begins, and its content. */
function notesOf(
  bytes: Buffer,
): { at: number; content: number; size: number; owner: string; type: number }[] {
  const { offset = 0, filesz = 0 } = headersOf(bytes).find(({ type }) => type === PT.NOTE) ?? {};
  const notes = [];
  for (let at = offset; at < offset + filesz; ) {
    const [nameSize, size, type] = [0, 4, 8].map((field) => bytes.readUInt32LE(at + field)) as [
      number,
      number,
      number,
    ];
    const content = at + 12 + Math.ceil(nameSize / 4) * 4;
    notes.push({ at, content, size, owner: bytes.toString('latin1', at + 12, at + 11 + nameSize), type });
    at = content + Math.ceil(size / 4) * 4;
  }
  return notes;
}

const changed = (at: number, bytes: Uint8Array): Buffer => {
  const copy = Buffer.from(good);
  copy.set(bytes, at);
  return copy;
};

describe('a checkpoint', () => {
  test('that was never finished is none', async () => {
    expect(await outcome(await coreOf(written, false))).toBe('UNKNOWN_FORMAT');
  });

  test('is told to be cut off wherever it ends', async () => {
    const places = [
      20,
      63,
      EHDR.size + 5,
      ...headersOf(good).flatMap(({ at, offset, filesz }) => [at + 1, offset + 1, offset + filesz - 1]),
      ...notesOf(good).flatMap(({ at, content, size }) => [at + 3, content + Math.floor(size / 2)]),
      good.length - 1,
      good.length - 33,
    ].filter((end) => end < good.length);
    for (const end of places)
      expect(await outcome(good.subarray(0, end)), `cut at ${end}`).toBe('BAD_FORMAT');
  });

  test('with anything behind its end is not the one that was written', async () => {
    expect(await outcome(Buffer.concat([good, Buffer.alloc(1)]))).toBe('BAD_FORMAT');
  });

  test('lacks any of its own notes and says which', async () => {
    for (const { at, content, owner, type } of notesOf(good)) {
      if (owner !== 'RUNFOREIGN') continue;
      const error = await loadCoreFile(fileLike(changed(at + 8, Buffer.from([0xff])), 7)).catch(
        (cause: unknown) => cause,
      );
      expect(error).toMatchObject({ code: 'BAD_FORMAT' });
      expect((error as FormatError).location.field).toContain(type.toString(16));
      expect(content).toBeGreaterThan(at);
    }
  });

  test('of another version says so', async () => {
    for (const { content, owner, type } of notesOf(good)) {
      if (owner !== 'RUNFOREIGN') continue;
      const version = good.indexOf('"version":1', content);
      const error = await loadCoreFile(fileLike(changed(version + 10, Buffer.from('2')), 7)).catch(
        (cause: unknown) => cause,
      );
      expect((error as Error).message).toContain('another version');
      expect((error as FormatError).location.field).toContain(type.toString(16));
    }
  });

  test('with a wrong value in a note says where in the file the value is', async () => {
    const at = good.indexOf('"clearChildTid":"0x') + '"clearChildTid":"'.length;
    const error = await loadCoreFile(fileLike(changed(at, Buffer.from('0y')), 7)).catch(
      (cause: unknown) => cause,
    );
    expect(error).toMatchObject({
      message: expect.stringContaining('threads[0].clearChildTid is no 64-bit number'),
      location: { field: 'RUNFOREIGN note 0x52460002 (threads): threads[0].clearChildTid' },
    });
    const { offset } = (error as FormatError).location;
    expect([at - 1, at - '"clearChildTid":"'.length]).toContain(offset);
  });

  test('with a size of a note that is not its own is told', async () => {
    for (const { at } of notesOf(good)) {
      for (const size of [0, 0x7fff_ffff, 0xffff_ffff]) {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32LE(size);
        expect(await outcome(changed(at, bytes)), `n_namesz ${size} at ${at}`).toBe('BAD_FORMAT');
        expect(await outcome(changed(at + 4, bytes)), `n_descsz ${size} at ${at}`).toBe('BAD_FORMAT');
      }
    }
  });

  test('with headers that lead elsewhere is refused', async () => {
    const far = Buffer.alloc(8, 0xff);
    for (const { at, type, filesz } of headersOf(good)) {
      if (filesz === 0) continue;
      expect(await outcome(changed(at + PHDR.p_offset, far)), `p_offset at ${at}`).toBe('BAD_FORMAT');
      expect(await outcome(changed(at + PHDR.p_filesz, far)), `p_filesz at ${at}`).toBe('BAD_FORMAT');
      if (type === PT.LOAD)
        expect(await outcome(changed(at + PHDR.p_vaddr, far)), `p_vaddr at ${at}`).not.toBe('loaded');
    }
  });
});

describe('the digest', () => {
  test('finds every changed byte, where it is looked at', async () => {
    const random = new Random(5);
    for (let round = 0; round < 40; round++) {
      const at = EHDR.size + random.below(good.length - EHDR.size);
      const bytes = changed(at, Buffer.from([(good[at] ?? 0) ^ (1 << random.below(8))]));
      await expect(loadCoreFile(fileLike(bytes, 7), true), `byte ${at}`).rejects.toMatchObject({
        code: expect.stringMatching(/BAD_FORMAT|IMAGE_REFUSED/),
      });
    }
  });

  test('is looked at where the bytes came from elsewhere, and not of a plain file', async () => {
    const memory = headersOf(good).find(({ type, filesz }) => type === PT.LOAD && filesz > 0);
    const bytes = changed(memory?.offset ?? 0, Buffer.from([0xa5, 0xa5]));
    expect(await outcome(bytes)).toBe('loaded');
    await expect(loadCoreBytes(bytes)).rejects.toMatchObject({
      code: 'BAD_FORMAT',
      message: expect.stringContaining('SHA-256'),
    });
  });
});

test('whatever bytes are changed, the outcome is an error that is told or a process that can be', async () => {
  const random = new Random(77);
  const headers = headersOf(good);
  const end = (headers[0]?.offset ?? 0) + (headers[0]?.filesz ?? 0);
  const seen = new Map<string, number>();
  for (let round = 0; round < 1500; round++) {
    const bytes = Buffer.from(good);
    for (let change = 0; change <= random.below(4); change++) {
      const at = random.below(end);
      bytes[at] = random.chance(1, 2)
        ? random.below(256)
        : random.pick([0, 0x22, 0x2c, 0x2d, 0x30, 0x7b, 0xff]);
    }
    const found = await outcome(bytes);
    seen.set(found, (seen.get(found) ?? 0) + 1);
  }
  expect([...seen.keys()].sort()).toEqual(
    expect.arrayContaining(['BAD_FORMAT', 'IMAGE_REFUSED', 'loaded'].sort()),
  );
});
