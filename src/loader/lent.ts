/** What a loader is lent to look at: the host's own things, with somebody who knows when they are used. */
import type { Source } from '../source/source.ts';
import type { LoadContext } from './contract.ts';

/** Does `action`, and knows of it. What it returns and throws is the action's, and as immediate. */
export type Through = <T>(action: () => T) => T;

/** The same source, read `through` somebody. */
export function lendSource(source: Source, through: Through): Source {
  return {
    ...source,
    read: (offset, length) => through(() => source.read(offset, length)),
    ...(source.readInto && {
      readInto: (offset: number, target: Uint8Array) => through(() => source.readInto?.(offset, target)),
    }),
    ...(source.authenticate && {
      authenticate: () => through(() => source.authenticate?.() ?? Promise.resolve()),
    }),
    ...(source.checkAll && { checkAll: () => through(() => source.checkAll?.() ?? Promise.resolve()) }),
  };
}

/** The same source, giving bytes that whoever reads them may change: nobody else has them. */
export function lendCopies(source: Source): Source {
  const copy = (bytes: Uint8Array) => Buffer.from(bytes);
  return {
    ...source,
    read(offset, length) {
      const bytes = source.read(offset, length);
      return bytes instanceof Promise ? bytes.then(copy) : copy(bytes);
    },
  };
}

/** The same context, asked `through` somebody. `opened` is told which sources come of it. */
export function lendContext(
  context: LoadContext,
  through: Through,
  opened: (source: Source) => void,
): LoadContext {
  const { secrets } = context;
  return {
    ...context,
    argv: context.argv.map((each) => Uint8Array.from(each)),
    open(path) {
      const source = through(() => context.open(path));
      opened(source);
      return source;
    },
    find: (command) => through(() => context.find(command)),
    isSelf: (command) => through(() => context.isSelf(command)),
    progress: (...args) => through(() => context.progress(...args)),
    secrets: {
      identities: () => through(() => secrets.identities()),
      passphrase: (purpose) => through(() => secrets.passphrase(purpose)),
    },
  };
}

/** Tells `note` what `action` throws, now or later, and lets it be thrown. */
export function noting(note: (cause: unknown) => void): Through {
  return (action) => {
    try {
      const result = action();
      // Somebody awaits the result itself; this is only to hear of it.
      if (result instanceof Promise) result.catch(note);
      return result;
    } catch (cause) {
      note(cause);
      throw cause;
    }
  };
}
