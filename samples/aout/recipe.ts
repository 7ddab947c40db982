/**
 * How the a.out samples are made. Two ways, so that no single reading of the format is both author and judge:
 * hello in OMAGIC and NMAGIC comes whole from nasm and the a.out linker of binutils-djgpp; everything else is
 * linked by GNU ld as ELF, taken apart, and gets its header from header.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Artifact, run, SAMPLES, symbols } from '../recipe/toolbox.ts';
import {
  contentOffset,
  EXEC_SIZE,
  encodeExec,
  type Magic,
  NMAGIC,
  OMAGIC,
  QMAGIC,
  ZMAGIC,
} from './header.ts';

const PAGE_SIZE = 4096;
const WORD_LINE = 16; // bytes: as far as the a.out linker would pad anyway
/** A .bss that ends above 64 KiB, so that brk can start at its end whatever vm.mmap_min_addr is. */
const LARGE_OUTPUT = 96 * 1024;

interface Layout {
  readonly name: string;
  readonly magic: Magic;
  readonly textAddress: number; // of the first byte behind the header
  readonly textAlign: number; // text is padded to this, so that data follows at N_DATADDR
  readonly dataAlign: number; // a page where the kernel maps data from the file: it clears no tail
  readonly outputSize?: number;
}

const LAYOUTS: readonly Layout[] = [
  { name: 'omagic', magic: OMAGIC, textAddress: 0, textAlign: WORD_LINE, dataAlign: WORD_LINE },
  { name: 'nmagic', magic: NMAGIC, textAddress: 0, textAlign: PAGE_SIZE, dataAlign: WORD_LINE },
  {
    name: 'zmagic',
    magic: ZMAGIC,
    textAddress: 0,
    textAlign: PAGE_SIZE,
    dataAlign: PAGE_SIZE,
    outputSize: LARGE_OUTPUT,
  },
  {
    name: 'qmagic',
    magic: QMAGIC,
    textAddress: PAGE_SIZE + EXEC_SIZE,
    textAlign: PAGE_SIZE,
    dataAlign: PAGE_SIZE,
    outputSize: LARGE_OUTPUT,
  },
];

/** Nothing newer than a 386, no helper from libgcc, and an object at address 0 is no null pointer. */
const CFLAGS = [
  ...['-m32', '-march=i386', '-mpreferred-stack-boundary=2', '-Os', '-std=c11', '-Wall', '-Wextra'],
  ...['-ffreestanding', '-fno-pic', '-fno-pie', '-fno-stack-protector', '-fcf-protection=none', '-fno-ident'],
  ...['-fno-asynchronous-unwind-tables', '-fno-tree-loop-distribute-patterns'],
  ...['-fno-delete-null-pointer-checks', '-ffile-prefix-map=./=', '-DAOUT'],
];

function assembleHello(layout: Layout, format: 'aout' | 'elf32', output: string): void {
  const message = `-DMESSAGE="a.out ${layout.name.toUpperCase()}"`;
  run('nasm', ['-f', format, message, '-o', output, 'aout/hello.asm']);
}

function compileTally(layout: Layout, scratch: string): string[] {
  const size = layout.outputSize === undefined ? [] : [`-DOUTPUT_SIZE=${layout.outputSize}`];
  return ['common/start.S', 'common/tally.c'].map((source, index) => {
    const object = join(scratch, `${index}.o`);
    run('gcc', [...CFLAGS, ...size, '-c', '-o', object, source]);
    return object;
  });
}

/** Links ELF objects to the layout, and puts the a.out header before the bytes of text and data. */
function linkFlat(layout: Layout, objects: readonly string[], scratch: string): Uint8Array {
  const elf = join(scratch, 'linked');
  const flat = join(scratch, 'flat');
  const definitions = [
    `--defsym=TEXT_ADDRESS=${layout.textAddress}`,
    `--defsym=TEXT_ALIGN=${layout.textAlign}`,
    `--defsym=DATA_ALIGN=${layout.dataAlign}`,
  ];
  run('ld', ['-m', 'elf_i386', '-N', '-T', 'aout/flat.ld', ...definitions, '-o', elf, ...objects]);
  run('objcopy', ['-O', 'binary', '-j', '.text', '-j', '.data', elf, flat]);
  const content = readFileSync(flat);

  const table = symbols(elf);
  const value = (name: string): number => {
    const found = table.get(name);
    if (found === undefined) throw new Error(`aout/flat.ld did not define ${name}`);
    return found;
  };
  const text = value('a_text');
  const data = value('a_data');
  const dataIsBehindText = value('a_datadr') === layout.textAddress + text;
  const bssIsBehindData = value('a_bssadr') === value('a_datadr') + data;
  if (!dataIsBehindText || !bssIsBehindData || content.length !== text + data) {
    throw new Error(`${layout.name}: the segments do not lie one behind the other`);
  }

  const header = encodeExec({
    magic: layout.magic,
    a_text: layout.magic === QMAGIC ? EXEC_SIZE + text : text,
    a_data: data,
    a_bss: value('a_bss'),
    a_syms: 0,
    a_entry: value('a_entry'),
    a_trsize: 0,
    a_drsize: 0,
  });
  const file = new Uint8Array(contentOffset(layout.magic) + content.length);
  file.set(header);
  file.set(content, contentOffset(layout.magic));
  return file;
}

/** OMAGIC keeps its symbol table: the one sample with an a_syms to step over. */
function linkWithBfd(layout: Layout, scratch: string): Uint8Array {
  const [object, output] = ['hello.o', 'hello']; // relative: the linker records the object's name as a symbol
  assembleHello(layout, 'aout', join(scratch, object));
  const mode = layout.magic === OMAGIC ? ['-N'] : ['-n', '-s'];
  const script = join(SAMPLES, 'aout/bfd.ld');
  const align = `--defsym=TEXT_ALIGN=${layout.textAlign}`;
  run('i386-pc-msdosdjgpp-ld', [...mode, '-T', script, align, '-o', output, object], scratch);
  return readFileSync(join(scratch, output));
}

function makeHello(layout: Layout, scratch: string): Uint8Array {
  if (layout.magic === OMAGIC || layout.magic === NMAGIC) return linkWithBfd(layout, scratch);
  const object = join(scratch, 'hello.o');
  assembleHello(layout, 'elf32', object);
  return linkFlat(layout, [object], scratch);
}

export const AOUT_ARTIFACTS: readonly Artifact[] = LAYOUTS.flatMap((layout) => [
  { file: `aout/hello-${layout.name}`, executable: true, make: (scratch) => makeHello(layout, scratch) },
  {
    file: `aout/tally-${layout.name}`,
    executable: true,
    make: (scratch) => linkFlat(layout, compileTally(layout, scratch), scratch),
  },
]);
