/** The loaders of files that another program runs, tested as a plugin author tests one. */
import { testLoader } from 'run-foreign/testkit';
import { java } from '../../loaders/java/index.ts';
import { qemu } from '../../loaders/qemu/index.ts';
import { wasm } from '../../loaders/wasm/index.ts';
import { printing, writeWasm } from '../../samples/wasm/writer.ts';
import { AARCH64, PPC, writeForeignElf } from '../support/foreign-elf.ts';
import { writeJar, writeZip } from '../support/zip-writer.ts';

testLoader(qemu, {
  accepts: { aarch64: () => writeForeignElf(AARCH64), ppc: () => writeForeignElf(PPC) },
  rejects: { 'an object file': () => writeForeignElf({ ...AARCH64, e_type: 1 }) },
});

testLoader(wasm, {
  accepts: { wasm: new URL('../../samples/wasm/hello', import.meta.url) },
  rejects: { 'half a magic': Uint8Array.of(0, 0x61) },
  broken: {
    'another version': { file: Buffer.from('0061736d02000000', 'hex'), field: 'version', offset: 4 },
    'a section past the end': {
      file: () => writeWasm(printing('hello', 0)).subarray(0, 20),
      field: 'section size',
      offset: 10,
    },
  },
});

testLoader(java, {
  accepts: { jar: () => writeJar().bytes, 'jar-zip64': () => writeJar(undefined, { zip64: true }).bytes },
  rejects: { 'a ZIP file': () => writeZip([{ name: 'a', content: 'b' }]).bytes },
  broken: {
    'half an archive': { file: () => writeJar().bytes.subarray(0, 100), field: 'signature', offset: 100 },
  },
});
