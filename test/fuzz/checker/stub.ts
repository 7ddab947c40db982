/** The stub's file, read as the kernel reads it. ELF specification (gABI), chapters 4 and 5. */
import type { Range } from '../../../src/image/image.ts';
import { KERNEL } from './kernel-areas.ts';
import { PAGE, pageUp } from './parts.ts';
import type { Judged, Verdicts } from './rules.ts';

const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const PF = { X: 1, W: 2, R: 4 };
/** What layOut keeps free for a stub, by architecture. */
export const STUB_RESERVE = { x86_64: 0x10_0000_0000n, i386: 0x1000_0000n } as const;

interface Header {
  readonly type: number;
  readonly flags: number;
  readonly offset: bigint;
  readonly vaddr: bigint;
  readonly filesz: bigint;
  readonly memsz: bigint;
}

/** Data page, hand-over page, file: what the stub takes of the address space, or would at most. */
export function stubRange({ plan, stub }: Judged): Range {
  return { start: plan.stub, end: plan.stub + 2n * PAGE + pageUp(BigInt(stub.length)) };
}

export function checkStubPlace(judged: Judged, verdicts: Verdicts): void {
  const { plan, host, stub } = judged;
  const { start, end } = stubRange(judged);
  const placed = start % PAGE === 0n && start >= 0x10000n && start >= host.lowestMapping();
  verdicts.rule('stub-place', placed && end <= KERNEL[plan.arch].taskSize, () => `0x${start.toString(16)}`);
  const fits = end - start <= STUB_RESERVE[plan.arch];
  verdicts.rule('stub-size', fits, () => `${stub.length} bytes`);
}

export function checkStub(judged: Judged, verdicts: Verdicts): void {
  const { plan, stub } = judged;
  const wide = plan.arch === 'x86_64';
  const view = new DataView(stub.buffer, stub.byteOffset, stub.byteLength);
  const elf = (holds: boolean, what: string) => verdicts.rule('stub-elf', holds, () => what);
  const ident = [0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1];
  elf(
    ident.every((byte, index) => stub[index] === byte),
    'e_ident',
  );
  elf(view.getUint16(16, true) === 2 && view.getUint16(18, true) === (wide ? 62 : 3), 'e_type or e_machine');
  const headers = programHeaders(view, wide);
  if (headers === undefined) {
    elf(false, 'the program header table');
    return;
  }
  const loads = headers.filter(({ type }) => type === PT_LOAD);
  const stack = headers.filter(({ type }) => type === PT_GNU_STACK);
  const [file, data] = loads;
  elf(loads.length === 2 && loads.length + stack.length === headers.length, 'the kinds of segments');
  const size = BigInt(stub.length);
  elf(file?.offset === 0n && file.filesz === size && file.memsz === size, 'the size of the file’s segment');
  elf(
    file?.vaddr === plan.stub + 2n * PAGE && file.flags === (PF.R | PF.X),
    'the place of the file’s segment',
  );
  elf(data?.vaddr === plan.stub && data.filesz === 0n && data.memsz === 2n * PAGE, 'the data segment');
  const entry = wide ? view.getBigUint64(24, true) : BigInt(view.getUint32(24, true));
  elf(file !== undefined && entry >= file.vaddr && entry < file.vaddr + file.filesz, 'e_entry');
  const wanted = { none: [PF.R | PF.W], stack: [PF.R | PF.W | PF.X], 'everything-readable': [] }[
    plan.execution
  ];
  elf(stack.map(({ flags }) => flags).join() === wanted.join(), 'PT_GNU_STACK');
  const both = loads.some(({ flags }) => (flags & PF.W) !== 0 && (flags & PF.X) !== 0);
  verdicts.rule('stub-protection', !both, () => 'a PT_LOAD');
}

/** Undefined where the table does not lie in the file. */
function programHeaders(view: DataView, wide: boolean): Header[] | undefined {
  const at = wide ? Number(view.getBigUint64(32, true)) : view.getUint32(28, true);
  const entrySize = wide ? 56 : 32;
  const count = view.getUint16(wide ? 56 : 44, true);
  if (view.getUint16(wide ? 54 : 42, true) !== entrySize || at + count * entrySize > view.byteLength)
    return undefined;
  return Array.from({ length: count }, (_, index) => {
    const base = at + index * entrySize;
    const field = (offset64: number, offset32: number) =>
      wide ? view.getBigUint64(base + offset64, true) : BigInt(view.getUint32(base + offset32, true));
    return {
      type: view.getUint32(base, true),
      flags: view.getUint32(base + (wide ? 4 : 24), true),
      offset: field(8, 4),
      vaddr: field(16, 8),
      filesz: field(32, 16),
      memsz: field(40, 20),
    };
  });
}
