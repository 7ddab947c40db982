/** The loaders of programs that come with us, tested as a plugin author tests one. */
import { testLoader } from 'run-foreign/testkit';
import { aout } from '../../loaders/aout/index.ts';
import { elf } from '../../loaders/elf/index.ts';
import { writeElf } from '../support/elf-writer.ts';
import { ELF64_STATIC } from '../support/handmade.ts';
import { mayMapAt } from '../support/machine.ts';
import { sampleBytes } from '../support/packed.ts';

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
    {
      name: 'tally as bytes, with an environment',
      file: () => sampleBytes('elf/x86_64/tally-static'),
      args: ['-e', 'GREETING', '-'],
      env: { GREETING: 'hello = there' },
      stdin: 'x',
      stdout: Buffer.from('hello = there\n0 1 1 -\n'),
    },
    {
      name: 'tally of a file that is not there',
      file: sample('elf/x86_64/tally-static'),
      args: ['/dev/null/none'],
      stdout: '',
      stderr: 'tally-static: /dev/null/none: cannot open (errno 20)\n',
      status: 1,
    },
  ],
});

testLoader(aout, {
  accepts: {
    'aout-omagic': sample('aout/hello-omagic'),
    'aout-qmagic': sample('aout/hello-qmagic'),
  },
  rejects: { 'an a.out for another machine': Buffer.from([0x07, 0x01, 0x65, 0, ...Buffer.alloc(60)]) },
  // Its first page is the second of all; not everybody may map that.
  programs: mayMapAt(4096)
    ? [{ name: 'hello, QMAGIC', file: sample('aout/hello-qmagic'), stdout: 'hello from a.out QMAGIC\n' }]
    : [],
});
