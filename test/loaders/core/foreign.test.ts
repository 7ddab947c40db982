/** Cores without notes of our own, made of checkpoints: what is taken from them, and what they are refused for. */
import { expect, test } from 'vitest';
import { EHDR, OWNER, PHDR } from '../../../loaders/core/elf-core.ts';
import type { Mapping, ProcessState } from '../../../src/image/process-state.ts';
import { validateImage } from '../../../src/image/validate.ts';
import { coreOf, loadCoreBytes } from '../../support/cores.ts';
import { randomProcess, type TestProcess } from '../../support/process-state.ts';
import { Random } from '../../support/random.ts';

const PAGE = 0x1000n;
const TASK_SIZE = 0x7fff_ffff_f000n;
const AT_SYSINFO_EHDR = 33n;
const process = randomProcess(new Random(8));
const stack = process.state.mappings.find(({ growsDown }) => growsDown);
const vdso = process.state.vdso;
if (stack === undefined || vdso === undefined) throw new Error('no stack or vDSO');
const top = { address: stack.end - PAGE, size: PAGE };
const { start: stackStart } = stack;
const RUNS = [...process.runs.filter(({ address }) => address < stackStart), top];

/** As the kernel would write it: without our notes. */
async function foreign(changes: Partial<ProcessState>, runs: TestProcess['runs'] = RUNS): Promise<Buffer> {
  const auxv = Buffer.alloc(32);
  auxv.writeBigUInt64LE(AT_SYSINFO_EHDR);
  auxv.writeBigUInt64LE(vdso?.address ?? 0n, 8);
  const threads = process.state.threads.map((thread) => ({
    ...thread,
    registers: { ...thread.registers, rsp: top.address + 64n },
  }));
  const bytes = await coreOf({ ...process, state: { ...process.state, auxv, threads, ...changes }, runs });
  const last = EHDR.size + (bytes.readUInt16LE(EHDR.e_phnum) - 1) * PHDR.size;
  bytes.writeUInt32LE(0, last);
  for (let at = bytes.indexOf(`${OWNER}\0`); at >= 0; at = bytes.indexOf(`${OWNER}\0`, at + 1))
    bytes.write('SOMEBODY', at, 'latin1');
  return bytes;
}

test('threads, memory, files and the vDSO are the core’s; what is not known is lost', async () => {
  const image = await loadCoreBytes(await foreign({}));
  validateImage(image, TASK_SIZE);
  const state = image.process?.state;
  expect(image).toMatchObject({ format: 'core', variant: 'core file' });
  expect(state?.threads.map(({ tid }) => tid)).toEqual(process.state.threads.map(({ tid }) => tid));
  expect(state?.threads.map(({ signalMask }) => signalMask)).toEqual(
    process.state.threads.map(({ signalMask }) => signalMask),
  );
  expect(Buffer.from(state?.vdso?.image ?? [])).toEqual(Buffer.from(vdso.image));
  expect(state?.descriptors).toBeUndefined();
  expect(state?.cwd).toBeUndefined();
  expect(state?.lost.length).toBeGreaterThan(3);
  const stored = (start: bigint) => image.segments.some(({ address }) => address === start);
  expect(stored(top.address)).toBe(true);
});

test('the leader comes first, whoever was ended by the signal', async () => {
  const threads = [...process.state.threads].reverse().map((thread) => ({
    ...thread,
    registers: { ...thread.registers, rsp: top.address },
  }));
  expect(threads.length).toBeGreaterThan(1);
  const image = await loadCoreBytes(await foreign({ threads }));
  validateImage(image, TASK_SIZE);
  expect(image.process?.state.threads[0]?.tid).toBe(process.state.ids.pid);
  expect(image.process?.state.threads).toHaveLength(threads.length);
});

test('where the leader has ended, the next one leads', async () => {
  const threads = process.state.threads.slice(1);
  const [next] = threads;
  const registers = (thread: (typeof threads)[number]) => ({ ...thread.registers, rsp: top.address });
  const rest = threads.map((thread) => ({ ...thread, registers: registers(thread) }));
  const image = await loadCoreBytes(await foreign({ threads: rest }));
  validateImage(image, TASK_SIZE);
  expect(image.process?.state.ids.pid).toBe(next?.tid);
});

test('the pages of a file that is gone become memory of its own, and that is said', async () => {
  const path = Buffer.from('/tmp/shared (deleted)');
  const gone = (mapping: Mapping): Mapping => ({
    ...mapping,
    backing: { kind: 'file', file: { path }, offset: 0n },
  });
  const mappings = process.state.mappings.map((mapping, index) => (index === 0 ? gone(mapping) : mapping));
  const image = await loadCoreBytes(await foreign({ mappings }));
  validateImage(image, TASK_SIZE);
  expect(image.process?.state.mappings[0]?.backing).toEqual({ kind: 'anonymous' });
  expect(image.process?.state.lost.join('\n')).toContain('/tmp/shared (deleted)');
});

test('without memory it cannot go on', async () => {
  await expect(loadCoreBytes(await foreign({}, []))).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    hint: expect.stringContaining('coredump_filter'),
  });
});

test.each([
  ['i386', [1, 1], 3],
  ['a 32-bit process on x86-64', [1, 1], 62],
  ['arm64', [2, 1], 183],
] as const)('of %s it is sound and cannot go on', async (_, [ident, data], machine) => {
  const bytes = await foreign({});
  bytes.set([ident, data], 4);
  bytes.writeUInt16LE(machine, EHDR.e_machine);
  await expect(loadCoreBytes(bytes)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining(`e_machine ${machine}`),
  });
});
