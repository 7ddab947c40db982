/** A loader as a stranger would write one: TOY1, the code's size and entry, and code for x86-64 that lies at one place. */
import { defineLoader, startsWith, struct } from 'run-foreign/loader';

const MAGIC = Buffer.from('TOY1');
const header = struct('little', { magic: 4, code_size: 'u32', entry: 'u64' });

export default defineLoader({
  name: 'toy',
  apiVersion: 1,
  kind: 'program',
  description: 'TOY1: code behind a header',
  magics: [{ offset: 0, bytes: MAGIC, name: 'TOY1' }],
  options: {
    base: { type: 'integer', help: 'where the code lies' },
    stack: { type: ['plain', 'executable'], help: 'what the stack is' },
    loud: { type: 'flag', help: 'say what is loaded' },
  },
  probe: async (source) => ((await startsWith(source, MAGIC)) ? 'exact' : null),
  async load(source, { options }) {
    const { fields, error } = await header.read(source, 0, 'header');
    const { base = 0x1000_0000n, stack = 'plain', loud = false } = options;
    if (fields.code_size === 0) throw error('code_size', 'has no code');
    if (loud) process.stderr.write(`toy at 0x${base.toString(16)}\n`);
    const size = BigInt(fields.code_size);
    const range = { start: base, end: base + size };
    return {
      kind: 'image',
      image: {
        format: 'toy',
        variant: 'TOY1',
        arch: 'x86_64',
        placement: { kind: 'fixed' },
        segments: [
          {
            name: 'code',
            address: base,
            size,
            content: { source, offset: header.size, size: fields.code_size },
            protection: { read: true, write: false, execute: true },
          },
        ],
        entry: base + fields.entry,
        code: range,
        data: range,
        brk: { start: range.end, end: range.end, randomize: false },
        stack: { layout: 'sysv', execution: stack === 'executable' ? 'stack' : 'none' },
      },
    };
  },
});
