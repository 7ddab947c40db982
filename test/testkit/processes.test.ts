/** The loader of processes that go on, tested as a plugin author tests one. */
import { testLoader } from 'run-foreign/testkit';
import { core } from '../../loaders/core/index.ts';
import { coreOf } from '../support/cores.ts';
import { smallProcess } from '../support/small-process.ts';

const small = () => coreOf(smallProcess());

testLoader(core, {
  accepts: { 'core-checkpoint': small },
  rejects: {
    'an object file': Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\x3e\0', 'latin1'),
    'half a header': Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x04', 'latin1'),
  },
  broken: {
    'a core of no program headers': {
      file: async () => {
        const bytes = await small();
        bytes.writeUInt16LE(0, 56);
        return bytes;
      },
      field: 'e_phnum',
      offset: 56,
    },
  },
});
