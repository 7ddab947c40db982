/** What the fuzzer has found, each as small as it gets, with the outcome it must have. */
import { expect, test } from 'vitest';
import { memorySource } from '../../src/source/memory.ts';
import { type ElfDescription, PF, type Phdr, PT, writeElf } from '../support/elf-writer.ts';
import { ELF64_STATIC } from '../support/handmade.ts';
import { fakeHost } from '../support/host.ts';
import { fileLike, text } from '../support/sources.ts';
import { type Outcome, outcomeOf } from './case.ts';
import type { Circumstances } from './make/circumstances.ts';

interface Regression {
  readonly name: string;
  readonly bytes: Buffer;
  readonly changes?: Partial<Circumstances>;
  readonly outcome: Outcome;
}

const ORDINARY: Circumstances = {
  host: fakeHost(),
  invocation: { program: 'prog', argv: [text('prog')], envp: [], execfn: text('/prog') },
  source: (bytes, fd) => ({ source: fileLike(bytes, fd), file: bytes }),
  file: () => undefined,
};

const zeros = (p_vaddr: bigint, p_memsz: bigint, p_flags: number = PF.RX): Phdr => ({
  p_type: PT.LOAD,
  p_flags,
  p_vaddr,
  p_memsz,
});
const elf = (description: Partial<ElfDescription> & Pick<ElfDescription, 'phdrs'>) =>
  writeElf({ bits: 64, ...description });

const REGRESSIONS: readonly Regression[] = [
  {
    // Took eight seconds: every segment was cut at the borders of all before it.
    name: 'as many program headers as Linux reads, half of them over the other half',
    bytes: elf({
      bits: 32,
      e_entry: 0x1000_0000n,
      phdrs: Array.from({ length: 2048 }, (_, index) =>
        index < 1024
          ? zeros(0x1000_0000n + BigInt(index) * 0x2000n, 0x1000n)
          : zeros(0x1000_0000n, 0x80_0000n),
      ),
    }),
    outcome: 'emitted i386',
  },
  {
    // Was planned, and died at its first instruction.
    name: 'an entry point in text that data lies over',
    bytes: elf({ ...ELF64_STATIC, phdrs: [...ELF64_STATIC.phdrs, zeros(0x401000n, 0x1000n, PF.RW)] }),
    outcome: 'IMAGE_REFUSED',
  },
  ...([32, 64] as const).map((bits): Regression => {
    const last = bits === 32 ? 0xffff_d000n : 0x7fff_ffff_e000n;
    return {
      // Had an end_code, end_data and brk that PR_SET_MM_MAP refuses.
      name: `text in the last page of a ${bits}-bit address space`,
      bytes: elf({
        bits,
        e_entry: last,
        phdrs: [{ ...zeros(last, 0x1000n), p_filesz: 0x100n }],
        size: 0x1000,
      }),
      // Without randomisation the stack would be there.
      changes: { host: fakeHost({ randomizeVaSpace: 2 }) },
      outcome: bits === 32 ? 'emitted i386' : 'emitted x86_64',
    };
  }),
  {
    // Became a stub of five megabytes: every segment brought its bytes along.
    name: 'a thousand segments of the same bytes that are in no file',
    bytes: elf({
      e_entry: 0x1000_0000n,
      phdrs: Array.from({ length: 1170 }, (_, index) => ({
        ...zeros(0x1000_0000n + BigInt(index) * 0x1000n, 0x1000n),
        p_filesz: 0x1000n,
      })),
      size: 0x20000,
    }),
    changes: { source: (bytes) => ({ source: memorySource(bytes, 'memory') }) },
    outcome: 'emitted x86_64',
  },
  {
    // Was planned, and the stub died writing the arguments.
    name: 'arguments that are allowed but larger than the stack may grow',
    bytes: writeElf(ELF64_STATIC),
    changes: {
      host: fakeHost({ stackLimit: 65536n }),
      invocation: { ...ORDINARY.invocation, argv: [new Uint8Array(100_000).fill(0x61)] },
    },
    outcome: 'TOO_BIG',
  },
];

test.each(REGRESSIONS.map((each) => [each.name, each] as const))(
  '%s',
  async (_, { bytes, changes, outcome }) => {
    expect(await outcomeOf(bytes, { ...ORDINARY, ...changes })).toBe(outcome);
  },
);
