/** The loader elf, tested as a plugin author tests one. */
import { testLoader } from 'run-foreign/testkit';
import { elf } from '../../loaders/elf/index.ts';
import { writeElf } from '../support/elf-writer.ts';
import { ELF64_STATIC } from '../support/handmade.ts';

const sample = (path: string) => new URL(`../../samples/${path}`, import.meta.url);

testLoader(elf, {
  accepts: {
    'elf-static': sample('elf/x86_64/hello-static'),
    'elf-dynamic-pie': sample('elf/x86_64/hello-dynamic-pie'),
    'elf-i386': sample('elf/i386/hello-static'),
  },
  rejects: { 'three bytes of the magic': Buffer.from('\x7fEL', 'latin1') },
  broken: {
    'an ELF of no program headers': {
      file: () => writeElf({ ...ELF64_STATIC, phdrs: [] }),
      field: 'e_phnum',
      offset: 56,
    },
  },
  programs: [
    {
      name: 'tally of its standard input',
      file: sample('elf/x86_64/tally-static'),
      stdin: 'alpha beta\ngamma\n',
      stdout: '2 3 17 -\n',
    },
  ],
});
