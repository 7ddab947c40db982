import { testLoader } from 'run-foreign/testkit';
import { args, hello, makeFile } from '../samples/make.js';
import loader from '../src/index.ts';

const code = Uint8Array.of(0xf4);
const data = new Uint8Array(16);

testLoader(loader, {
  accepts: { hello, args, 'zeros behind the data': makeFile(code, data, { zero_size: 0x10000 }) },
  rejects: { 'another magic': hello.map((byte, index) => (index === 0 ? byte + 1 : byte)) },
  broken: {
    'no header': { file: hello.subarray(0, 39), field: 'header', offset: 0 },
    'version 2': { file: makeFile(code, data, { version: 2 }), field: 'version', offset: 8 },
    'unknown flags': { file: makeFile(code, data, { flags: 2 }), field: 'flags', offset: 10 },
    'no code': { file: makeFile(code, data, { code_size: 0 }), field: 'code_size', offset: 12 },
    'more code than file': { file: makeFile(code, data, { code_size: 18 }), field: 'code_size', offset: 12 },
    'more data than file': { file: makeFile(code, data, { data_size: 17 }), field: 'data_size', offset: 16 },
    'a load address inside a page': {
      file: makeFile(code, data, { load_address: 0x400010n }),
      field: 'load_address',
      offset: 24,
    },
    'an entry behind the code': {
      file: makeFile(code, data, { entry: 0x400001n }),
      field: 'entry',
      offset: 32,
    },
  },
  programs: [
    { name: 'hello', file: hello, stdout: 'Hello from a new format\n', status: 42 },
    { name: 'args', file: args, args: ['one', '', 'two words'], stdout: 'one\n\ntwo words\n', status: 3 },
  ],
});
