/** The loaders of ape and flat, whose programs the kernel does not know, tested as a plugin author tests one. */
import { testLoader } from 'run-foreign/testkit';
import { ape } from '../../loaders/ape/index.ts';
import { flat } from '../../loaders/flat/index.ts';
import { APE_MAGIC, elfPart, headerOf, printed, writeApe } from '../support/ape-writer.ts';
import { EHDR, putField } from '../support/elf-writer.ts';
import { ELF64_STATIC } from '../support/handmade.ts';

const sample = (path: string) => new URL(`../../samples/${path}`, import.meta.url);
const PART = elfPart(ELF64_STATIC);
const HEADER = headerOf(PART);

/** An APE without program headers. */
function withoutProgramHeaders(): Buffer {
  const header = Buffer.from(HEADER);
  putField(header, 64, 0, EHDR.e_phnum, 0n);
  return writeApe(printed(header), PART);
}

testLoader(ape, {
  accepts: {
    ape: sample('ape/tally'),
    'ape-without-windows': writeApe(printed(HEADER), PART, "jartsr='\n'\n"),
  },
  rejects: {
    'an assimilated one': sample('ape/tally-assimilated'),
    'seven bytes of the magic': Buffer.from("MZqFpD='".slice(0, 7)),
  },
  broken: {
    'one without program headers': {
      file: withoutProgramHeaders,
      field: 'e_phnum',
      // Each byte is written with four characters.
      offset: APE_MAGIC.length + "printf '".length + 4 * 56,
    },
  },
  programs: [
    {
      name: 'tally, behind a shell script',
      file: sample('ape/tally'),
      stdin: 'alpha beta\ngamma\n',
      stdout: '2 3 17 -\n',
    },
    {
      name: 'zeros behind its data',
      file: sample('ape/bss'),
      stdout: 'data right, bss zero: 307323 bytes\n',
    },
  ],
});

testLoader(flat, {
  accepts: { flat: sample('flat/hello') },
  programs: [{ name: 'hello', file: sample('flat/hello'), stdout: 'hello from a flat image\n' }],
});

testLoader(flat, {
  accepts: { 'flat-with-options': sample('flat/tally-x86_64') },
  options: { bss: '0x10000' },
  programs: [
    {
      name: 'tally with room behind it',
      file: sample('flat/tally-x86_64'),
      stdin: 'alpha beta\ngamma\n',
      stdout: '2 3 17 -\n',
    },
  ],
});
