/** What the loaders do, told to a Trace; of a confidential source, nothing. */
import { hex } from '../errors.ts';
import type { ProgramImage } from '../image/image.ts';
import type { Source } from '../source/source.ts';
import { type Trace, type TraceValue, timed, timedNow } from '../trace.ts';
import type { LoadContext, Loaded } from './contract.ts';

/** Whom to tell of what is done with `source`. */
export const traceOf = (source: Source, trace: Trace | undefined): Trace | undefined =>
  source.confidential ? undefined : trace;

/** The context of a loader whose questions are told: which files it opens, and that it asks for keys, but never which. */
export function tracedContext(
  context: Omit<LoadContext, 'options'>,
  trace: Trace | undefined,
): Omit<LoadContext, 'options'> {
  if (trace === undefined) return context;
  const { secrets } = context;
  return {
    ...context,
    open: (path) =>
      timedNow(trace, { event: 'open', file: Buffer.from(path).toString(), as: 'interpreter' }, () =>
        context.open(path),
      ),
    secrets: {
      identities: () =>
        timed(
          trace,
          { event: 'keys', kind: 'identities' },
          () => secrets.identities(),
          ({ length }) => ({ files: length }),
        ),
      passphrase: (purpose) =>
        timed(trace, { event: 'keys', kind: 'passphrase' }, () => secrets.passphrase(purpose)),
    },
  };
}

/** What came of loading. */
export function loadedFields(loaded: Loaded): Readonly<Record<string, TraceValue>> {
  switch (loaded.kind) {
    case 'image':
      return { result: 'image', ...imageFields(loaded.image) };
    case 'unwrap':
      return loaded.source.confidential
        ? { result: 'wrapper', confidential: true }
        : { result: 'wrapper', bytes: loaded.source.size };
    case 'interpreter':
      return { result: 'interpreter', program: Buffer.from(loaded.path).toString() };
    default:
      return { result: 'program', program: Buffer.from(loaded.name).toString() };
  }
}

function imageFields({ format, variant, arch, entry, segments, process }: ProgramImage) {
  const what = { format, variant, arch, segments: segments.length };
  return process === undefined
    ? { ...what, entry: hex(entry) }
    : { ...what, threads: process.state.threads.length };
}
