/** What loaders have in common whose files another program opens and runs. */
import { ForeignError, type LoadContext, type Source } from 'run-foreign/loader';

/** What runs a file, and where it comes from. */
export interface Interpreter {
  /** The commands that will do, the best first. */
  readonly commands: readonly [string, ...string[]];
  /** For people: what is in the file, as in `is a program for aarch64`. */
  readonly what: string;
  /** What brings the first of them, as in `Debian's package qemu-user has it`. */
  readonly origin: string;
}

/** Where the interpreter lies. Throws INTERPRETER_MISSING. */
export function findInterpreter({ commands, what, origin }: Interpreter, context: LoadContext): Uint8Array {
  for (const command of commands) {
    const path = context.find(command);
    if (path !== undefined) return path;
  }
  const message = `${what}, and ${commands[0]}, which runs such programs, is not in PATH`;
  throw new ForeignError('INTERPRETER_MISSING', message, { hint: origin });
}

/** An interpreter opens the whole file, and most want theirs to begin at its first byte. Throws UNSUPPORTED. */
export function refuseBehindLine({ file }: Source, what: string): void {
  if (file === undefined || file.offset === 0) return;
  const message = `${what} behind a #! line, which its interpreter would take for the beginning of the program`;
  throw new ForeignError('UNSUPPORTED', message, {
    hint: 'take the line away, and start it with run-foreign',
  });
}
