/**
 * A Source that a loader made, held to what a Source promises: a read that gives more or fewer bytes than were asked for
 * would put them over others.
 */
import type { BackingFile, Source } from '../source/source.ts';
import { Nonsense, Value } from './value.ts';

/** `mustBeConfidential` where what it holds was read in a confidential source. Throws Nonsense, now and when it is read. */
export function foreignSource(value: Value, mustBeConfidential: boolean): Source {
  const made = value.object() as unknown as Source;
  const name = value.at('name').text();
  const size = value.at('size').count();
  const confidential = value.at('confidential').boolean();
  if (mustBeConfidential && !confidential) throw new Nonsense(value, 'makes confidential bytes public');
  value.at('read').asFunction();
  const file = value.at('file').maybe(readFile);
  const method = (key: string) => value.at(key).maybe((each) => each.asFunction()) !== undefined;
  return {
    name,
    size,
    confidential,
    ...(file && { file }),
    read(offset, length) {
      const bytes: unknown = made.read(offset, length);
      if (bytes instanceof Promise) return bytes.then((each) => ofLength(each, length, value));
      return ofLength(bytes, length, value);
    },
    ...(method('readInto') && { readInto: (offset, target) => made.readInto?.(offset, target) }),
    ...(method('authenticate') && { authenticate: async () => made.authenticate?.() }),
    ...(method('checkAll') && { checkAll: async () => made.checkAll?.() }),
    ...(method('wipe') && { wipe: () => made.wipe?.() }),
  };
}

function readFile(value: Value): BackingFile {
  return {
    fd: value.at('fd').count(),
    path: value.at('path').cString(),
    offset: value.at('offset').count(),
  };
}

function ofLength(found: unknown, length: number, source: Value): Uint8Array {
  const bytes = new Value(found, `${source.path}.read()`).bytes();
  if (bytes.length === length) return bytes;
  throw new Nonsense(source, `gives ${bytes.length} bytes where ${length} were to be read`);
}
