/** PT_INTERP: the name, and what is found under it. */
import { type ElfDescription, EM, ET, PF, type Phdr, PT } from '../../support/elf-writer.ts';
import type { Box, FileCase, Start } from './case.ts';
import {
  type Bits,
  CODE,
  code,
  interpHeader,
  interpreted,
  NAME_OFFSET,
  pie,
  program,
  text,
} from './program.ts';

/** A program that names the interpreter `make` writes. */
const by = (title: string, make: (box: Box) => string, bits: Bits = 64): FileCase => ({
  title: bits === 64 ? title : `${title}, 32-bit`,
  make: (box) => box.file('prog', interpreted(`${make(box)}\0`, bits)),
  ...(bits === 32 && { needs: 'i386' as const }),
});
const holding = (title: string, bytes: () => Uint8Array | string, bits: Bits = 64, mode = 0o755): FileCase =>
  by(title, (box) => box.file('interp', bytes(), mode), bits);
/** A program whose interpreter is good, and something else is not. */
const named = (
  title: string,
  name: (path: string) => string,
  header: Partial<Phdr> = {},
  elf: Partial<ElfDescription> = {},
): FileCase => ({
  title,
  make: (box) => box.file('prog', interpreted(name(box.file('interp', pie())), 64, { header, elf })),
});
const loads = (title: string, ...phdrs: Phdr[]): FileCase =>
  holding(title, () => pie(64, { phdrs, e_entry: BigInt(CODE) }));

const good = (path: string) => `${path}\0`;

const names: readonly FileCase[] = [
  named('a good interpreter', good),
  holding('a good interpreter', () => pie(32), 32),
  named('an interpreter’s name with more behind its NUL', (path) => `${path}\0more\0`),
  named('an interpreter’s name that does not end in NUL', (path) => `${path}`),
  named('an interpreter’s name that is empty', () => '\0\0'),
  named('PT_INTERP of length 0', good, { p_filesz: 0n }),
  named('PT_INTERP of length 1', () => '\0'),
  named('PT_INTERP of length 4096', (path) => path.padEnd(4096, '\0')),
  named('PT_INTERP of length 4097', (path) => path.padEnd(4097, '\0')),
  named('PT_INTERP of length 2^63', good, { p_filesz: 1n << 63n }),
  named('PT_INTERP past the end of the file', good, { p_offset: 0x10_0000n }),
  named('PT_INTERP that ends past the end of the file', good, { p_offset: 0xfffn }),
  named('PT_INTERP at offset 2^63', good, { p_offset: 1n << 63n }),
  named('PT_INTERP with a p_memsz of nonsense', good, { p_memsz: 1n << 63n, p_vaddr: 1n << 63n }),
  {
    title: 'two PT_INTERP, the second of nonsense',
    make: (box) => {
      const name = Buffer.from(good(box.file('interp', pie())));
      const phdrs = [interpHeader(name.length), interpHeader(1, { p_offset: 1n << 60n }), text()];
      return box.file('prog', program(64, { phdrs, content: [{ offset: NAME_OFFSET, bytes: name }] }));
    },
  },
  {
    title: 'PT_INTERP behind the PT_LOAD',
    make: (box) => {
      const name = Buffer.from(good(box.file('interp', pie())));
      const phdrs = [text(), interpHeader(name.length)];
      return box.file('prog', program(64, { phdrs, content: [{ offset: NAME_OFFSET, bytes: name }] }));
    },
  },
  {
    title: 'a relative interpreter',
    make: (box): Start => {
      box.file('interp', pie());
      return { path: box.file('prog', interpreted('./interp\0')), cwd: box.path };
    },
  },
  by('a relative interpreter that is missing here', () => 'interp-of-nowhere'),
  by('an interpreter’s name of 300 letters', () => `/${'x'.repeat(300)}`),
];

const files: readonly FileCase[] = [
  by('no interpreter of that name', (box) => box.at('interp')),
  by('no interpreter of that name', (box) => box.at('interp'), 32),
  by('an interpreter below a file', (box) => `${box.file('interp', pie())}/x`),
  by('an interpreter that is a directory', (box) => box.path),
  by('an interpreter that is a device', () => '/dev/null'),
  holding('an interpreter without an x bit', () => pie(), 64, 0o644),
  holding('an empty interpreter', () => ''),
  holding('an interpreter that is a script', () => '#!/bin/sh\n'),
  holding('an interpreter that is a long script', () => `#!/bin/sh\n${'#'.repeat(100)}\n`),
  holding('an interpreter that ends in its ELF header', () => pie().subarray(0, 40)),
  holding('an interpreter that ends behind its ELF header', () => pie().subarray(0, 64)),
  holding('an interpreter for another machine', () => pie(64, { header: { e_machine: BigInt(EM.ARM) } })),
  holding('a 32-bit interpreter of a 64-bit program', () => pie(32)),
  holding('a 64-bit interpreter of a 32-bit program', () => pie(64), 32),
  holding('an ET_REL interpreter', () => pie(64, { header: { e_type: BigInt(ET.REL) } })),
  holding('an interpreter with e_phnum 0', () => pie(64, { header: { e_phnum: 0n } })),
  holding('an interpreter with a strange e_phentsize', () => pie(64, { header: { e_phentsize: 57n } })),
  holding('an interpreter with its program headers past its end', () =>
    pie(64, { header: { e_phoff: 0x1000n } }),
  ),
  holding('an interpreter that names an interpreter', () =>
    interpreted('/no/such/file\0', 64, { elf: { content: [{ offset: CODE, bytes: code(64) }] } }),
  ),
  {
    title: 'a program that is its own interpreter',
    make: (box) => box.file('prog', interpreted(`${box.at('prog')}\0`, 64, { elf: { e_type: ET.DYN } })),
  },
];

const layouts: readonly FileCase[] = [
  loads('an interpreter without PT_LOAD', { p_type: PT.NULL }),
  loads('an interpreter whose one PT_LOAD is empty', text(64, { p_vaddr: 0n, p_filesz: 0n, p_memsz: 0n })),
  loads('an interpreter with p_filesz above p_memsz', text(64, { p_vaddr: 0n, p_memsz: 1n })),
  loads(
    'an interpreter with p_offset not congruent',
    text(64, { p_vaddr: 0n }),
    text(64, { p_vaddr: 0x2010n, p_filesz: 8n, p_memsz: 8n }),
  ),
  loads(
    'an interpreter with a segment past its end',
    text(64, { p_vaddr: 0n }),
    text(64, { p_vaddr: 0x2000n, p_offset: 0x2000n }),
  ),
  loads('an interpreter at 2^47', text(64, { p_vaddr: 1n << 47n })),
  loads('an interpreter with p_align 2^63', text(64, { p_vaddr: 0n, p_align: 1n << 63n })),
  holding('an interpreter with its entry outside its segments', () => pie(64, { e_entry: 0x10_0000n })),
  holding('an interpreter with a fixed place', () =>
    program(64, { phdrs: [text(64, { p_vaddr: 0x60_0000n })] }),
  ),
  holding('an interpreter with a fixed place that is the program’s', () => program()),
  holding('an interpreter with a fixed place that is the program’s', () => program(32), 32),
  holding('an interpreter with a fixed place that is half the program’s', () =>
    program(64, {
      phdrs: [text(64, { p_vaddr: 0x3f_f000n }), text(64, { p_vaddr: 0x40_0000n, p_flags: PF.R })],
      e_entry: 0x3f_f800n,
    }),
  ),
  {
    title: 'a program with an interpreter and no PT_LOAD',
    make: (box) => {
      const name = Buffer.from(good(box.file('interp', pie())));
      const content = [{ offset: NAME_OFFSET, bytes: name }];
      return box.file('prog', program(64, { phdrs: [interpHeader(name.length)], content }));
    },
  },
  named('a program with an interpreter and an entry of nonsense', good, {}, { e_entry: 1n << 63n }),
];

export const interpreters: readonly FileCase[] = [...names, ...files, ...layouts];
