/** The handle by which users hold a program that is loaded. */
import type { ProgramImage } from '../image/image.ts';
import { openForeign, type ProgramLocation } from './open.ts';
import type { LoadOptions } from './options.ts';
import type { Program } from './program.ts';

/** The handle's program; whoever uses it holds it. */
export let programOf: (handle: LoadedImage) => Program;
let handleOf: (program: Program) => LoadedImage;

/**
 * A program that is loaded, to be started any number of times. It holds the files it came from open until `close`: a file that
 * is replaced by another of its name stays the one that was loaded, and one whose content changes is refused from then on.
 */
export class LoadedImage {
  readonly #program: Program;
  #closed = false;

  static {
    programOf = (handle) => handle.#program;
    handleOf = (program) => new LoadedImage(program);
  }

  private constructor(program: Program) {
    this.#program = program;
  }

  /** What the loader says of it: segments, entry, interpreter. */
  get image(): ProgramImage {
    return this.#program.loaded.image;
  }

  /** The name of the loader whose image it is. */
  get format(): string {
    return this.#program.loaded.loader.name;
  }

  /** Closes what it holds, when the last start that is under way no longer needs it. May be called more than once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#program.release();
  }

  /** `using image = …` closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** `await using image = …` closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/**
 * Loads a program without starting it: finds it, asks the loaders, and checks what comes from the network.
 *
 * The handle can be given to `spawnForeign`, `planProgram` and `execForeign` in the place of a name, as often as is wished.
 * Close it when it is no longer needed.
 *
 * Rejects with a ForeignError.
 *
 * ```js images.mjs
 * import { loadImage, spawnForeign } from 'run-foreign';
 *
 * const image = await loadImage('printf');
 * console.log(image.format, image.image.arch);
 * const starts = ['a', 'b', 'c'].map(async (word) => (await spawnForeign(image, [word])).result);
 * for (const { stdout } of await Promise.all(starts)) console.log(stdout);
 * image.close();
 * ```
 *
 * ```console
 * $ node images.mjs
 * elf x86_64
 * a
 * b
 * c
 * ```
 */
export async function loadImage(program: ProgramLocation, options: LoadOptions = {}): Promise<LoadedImage> {
  return handleOf(await openForeign(program, options));
}
