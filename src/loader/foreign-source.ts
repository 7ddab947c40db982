/**
 * A Source that a loader made, held to what a Source promises: a read that gives more or fewer bytes than were asked for
 * would put them over others.
 */
import { type BackingFile, checkRange, type Source } from '../source/source.ts';
import { Nonsense, Value } from './value.ts';

/** Does something of the loader's, and says of what it throws that the loader is to blame. */
export type Calling = <T>(action: () => T) => T;

/**
 * `mustBeConfidential` where what it holds was read in a confidential source; `lent` are the host's that it may be a part
 * of. Throws Nonsense, now and in `calling`.
 */
export function foreignSource(
  value: Value,
  mustBeConfidential: boolean,
  lent: Iterable<Source>,
  calling: Calling,
): Source {
  const made = value.object() as unknown as Source;
  const name = value.at('name').text();
  const size = value.at('size').count();
  const confidential = value.at('confidential').boolean();
  if (mustBeConfidential && !confidential) throw new Nonsense(value, 'makes confidential bytes public');
  value.at('read').asFunction();
  const file = value.at('file').maybe((each) => readFile(each, size, lent));
  const method = (key: string) => value.at(key).maybe((each) => each.asFunction()) !== undefined;
  return {
    name,
    size,
    confidential,
    ...(file && { file }),
    read(offset, length) {
      checkRange(name, size, offset, length);
      return calling(() => {
        const bytes: unknown = made.read(offset, length);
        if (bytes instanceof Promise) return bytes.then((each) => ofLength(each, length, value));
        return ofLength(bytes, length, value);
      });
    },
    ...(method('readInto') && {
      readInto(offset, target) {
        checkRange(name, size, offset, target.length);
        return calling(() => made.readInto?.(offset, target));
      },
    }),
    ...(method('authenticate') && { authenticate: () => calling(async () => made.authenticate?.()) }),
    ...(method('checkAll') && { checkAll: () => calling(async () => made.checkAll?.()) }),
    ...(method('wipe') && { wipe: () => calling(() => made.wipe?.()) }),
  };
}

/**
 * The kernel maps what it says: a descriptor that is something else, or pages that no file has, would end the program
 * later.
 */
function readFile(value: Value, size: number, lent: Iterable<Source>): BackingFile {
  const fd = value.at('fd').count();
  const offset = value.at('offset').count();
  for (const { file, size: whole } of lent) {
    if (file?.fd !== fd || offset < file.offset || offset + size > file.offset + whole) continue;
    return { fd, path: file.path, offset };
  }
  throw new Nonsense(value, 'is no part of a file that the loader was given');
}

function ofLength(found: unknown, length: number, source: Value): Uint8Array {
  const bytes = new Value(found, `${source.path}.read()`).bytes();
  if (bytes.length === length) return bytes;
  throw new Nonsense(source, `gives ${bytes.length} bytes where ${length} were to be read`);
}
