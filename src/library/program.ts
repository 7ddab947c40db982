/**
 * A program that is loaded and can be started any number of times. It holds descriptors, and closes them when the last
 * of those who hold it lets it go: a start that is under way needs them longer than its caller may wait.
 */
import { type BigIntStats, fstatSync } from 'node:fs';
import { ForeignError } from '../errors.ts';
import type { LoadedProgram } from '../launch/load.ts';
import { placeOf } from '../launch/open.ts';
import type { ProgramRequest } from '../launch/request.ts';
import { Starter } from '../launch/starter.ts';
import { execveRefusal } from '../native/libc.ts';
import { openError } from '../source/file.ts';
import type { BackingFile, Source } from '../source/source.ts';
import { type ProgramText, programText } from './program-text.ts';

export type OpenedSource = Source & { close(): void };

/** A file as it was when a program was loaded from it. */
export interface SeenFile extends BackingFile {
  /** Where its path leads from our own directory. */
  readonly place: Buffer;
  readonly seen: BigIntStats;
}

export class Program {
  readonly loaded: LoadedProgram;
  /** argv without what the user adds, argv[0] first. */
  readonly head: readonly Uint8Array[];
  /** That, and what files want in the environment, where it can be given to child_process.spawn. */
  readonly text: ProgramText | undefined;
  /** As the user named it, for messages. */
  readonly name: Uint8Array;
  /** The same as text. */
  readonly title: string;
  readonly starter: Starter;
  readonly files: readonly SeenFile[];
  readonly #opened: readonly OpenedSource[];
  #holders = 1;

  /** `args` are those of the user's that it was loaded with; relative paths count from `names.cwd`. */
  constructor(
    { name, args, names }: Pick<ProgramRequest, 'name' | 'args' | 'names'>,
    loaded: LoadedProgram,
    opened: readonly OpenedSource[],
  ) {
    this.name = name;
    this.title = Buffer.from(name).toString();
    this.loaded = loaded;
    this.head = loaded.argv.slice(0, loaded.argv.length - args.length);
    this.text = programText(this, loaded);
    this.starter = new Starter(loaded);
    this.#opened = opened;
    this.files = opened.flatMap(({ file }) =>
      file === undefined
        ? []
        : [
            {
              ...file,
              place: Buffer.from(placeOf(file.path, names?.cwd)),
              seen: fstatSync(file.fd, { bigint: true }),
            },
          ],
    );
  }

  /** What it is called with. A program that another one runs has lost its argv[0] to that. */
  argv(argv0: Uint8Array | undefined, args: readonly Uint8Array[]): readonly Uint8Array[] {
    const [own = this.name, ...rest] = this.head;
    return [argv0 === undefined || this.loaded.interpreted ? own : argv0, ...rest, ...args];
  }

  /** Throws IMAGE_REFUSED when a file's content is not what was loaded, NOT_EXECUTABLE when execve would take it no more. */
  check(): void {
    for (const { fd, path, seen } of this.files) {
      const now = fstatSync(fd, { bigint: true });
      const subject = Buffer.from(path).toString();
      if (now.size !== seen.size || now.mtimeNs !== seen.mtimeNs)
        throw new ForeignError('IMAGE_REFUSED', 'has changed since it was loaded', {
          subject,
          hint: 'load it again',
        });
      const errno = execveRefusal(fd);
      if (errno !== undefined) throw openError(errno, subject);
    }
  }

  /** Whoever calls it calls `release` once. */
  hold(): this {
    if (this.#holders === 0)
      throw new ForeignError('USAGE', 'the loaded image is closed', {
        subject: this.title,
      });
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    this.starter.close();
    const { image } = this.loaded;
    for (const { content } of [...image.segments, ...(image.interpreter?.segments ?? [])])
      content?.source.wipe?.();
    for (const source of this.#opened) source.close();
  }
}
