/**
 * Core files: a process as it was, that goes on. Checkpoints are core files with notes of our own
 * (docs/checkpoint-format.md), which hold what cores lack. System V gABI, chapter 5; elf(5), core(5).
 */
import { defineLoader, head } from 'run-foreign/loader';
import { EHDR, ET_CORE } from './elf-core.ts';

export const core = defineLoader({
  name: 'core',
  apiVersion: 1,
  kind: 'program',
  description: 'checkpoints of processes, which go on where they were, and core files of x86-64',
  magics: [
    {
      offset: 0,
      bytes: Buffer.from('\x7fELF\x02\x01\0\0\0\0\0\0\0\0\0\0\x04\0\x3e\0', 'latin1'),
      mask: Buffer.from([255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]),
      name: 'core file, x86-64',
    },
  ],
  options: {
    verify: { type: 'flag', help: 'read all of a checkpoint and compare its SHA-256 before it starts' },
  },
  async probe(source) {
    const start = Buffer.from(await head(source, 20));
    if (start.length < 20 || start.readUInt32BE(0) !== 0x7f454c46) return null;
    const type = start[5] === 2 ? start.readUInt16BE(EHDR.e_type) : start.readUInt16LE(EHDR.e_type);
    return type === ET_CORE ? 'exact' : null;
  },
  async load(source, context) {
    return {
      kind: 'image',
      image: await (await import('./load.ts')).loadCore(
        source,
        context.progress,
        context.options.verify === true,
      ),
    };
  },
});
