/**
 * `#!` lines. One that names run-foreign is a wrapper: the foreign program's own bytes follow it. Any
 * other names the interpreter that runs the file, exactly as the kernel reads it (fs/binfmt_script.c).
 */
import { defineLoader, FormatError, head, sourceFrom } from 'run-foreign/loader';
import { BINPRM_BUF_SIZE, parseLine } from './line.ts';

export const script = defineLoader({
  name: 'script',
  apiVersion: 1,
  kind: 'wrapper',
  description:
    'files that begin with #!: the interpreter it names, or, after a line naming run-foreign, a program in any format',
  magics: [{ offset: 0, bytes: Buffer.from('#!'), name: '#!' }],
  async probe(source) {
    const start = await head(source, 2);
    return start[0] === 0x23 && start[1] === 0x21 ? 'exact' : null;
  },
  async load(source, context) {
    const bytes = Buffer.from(await head(source, BINPRM_BUF_SIZE));
    const line = parseLine(bytes);
    if (line === undefined) {
      throw new FormatError('has a #! line without an interpreter, or longer than 256 bytes', {
        offset: 0,
        field: '#!',
        value: JSON.stringify(bytes.subarray(0, 40).toString('latin1')),
      });
    }
    if (line.commands.some((command) => context.isSelf(command))) {
      const end = bytes.indexOf(0x0a);
      if (end < 0)
        throw new FormatError('has no program after its #! line', {
          offset: 0,
          field: '#!',
          value: 'no newline',
        });
      return { kind: 'unwrap', source: sourceFrom(source, end + 1) };
    }
    return {
      kind: 'interpreter',
      path: line.interpreter,
      args: line.argument === undefined ? [] : [line.argument],
    };
  },
});
