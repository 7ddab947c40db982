/** Which formats are meant, and which of them binfmt_misc can be told about. */
import type { LoaderPlugin } from '../../loader/contract.ts';
import type { LoaderSettings } from '../loaders.ts';
import { usageError } from '../usage-error.ts';
import { entriesOf, type FormatEntries } from './entry.ts';

/**
 * What is registered when nobody names a format: what nothing else on a machine runs, and what begins so that it is nothing else.
 * Packed files, archives and ELF files of other machines are named by those who want them: others have uses for those.
 */
export const DEFAULT_FORMATS: readonly string[] = ['aout', 'ape', 'core', 'wasm', 'age'];

export interface Format extends FormatEntries {
  readonly name: string;
  /** The file of a loader that does not come with us: those who start programs need it in their configuration. */
  readonly from: string | undefined;
  /** Why there is no entry at all. */
  readonly why: string | undefined;
}

/** In the order in which they are named; each once. Throws USAGE for a name that no loader has. */
export function formatsNamed(
  names: readonly string[],
  { loaders, files }: LoaderSettings,
  interpreter: string,
): Format[] {
  return [...new Set(names)].map((name) => {
    const loader = loaders.find((each) => each.name === name);
    if (loader !== undefined) return formatOf(loader, files.get(loader), interpreter);
    throw usageError(`there is no format '${name}'`, 'run-foreign formats lists them');
  });
}

/** All that there are. */
export const allFormats = ({ loaders, files }: LoaderSettings, interpreter: string): Format[] =>
  loaders.map((loader) => formatOf(loader, files.get(loader), interpreter));

function formatOf(loader: LoaderPlugin, from: string | undefined, interpreter: string): Format {
  const { entries, refused } = entriesOf(loader, interpreter);
  return {
    name: loader.name,
    from,
    entries,
    refused,
    why: entries.length > 0 ? undefined : whyNone(loader, refused),
  };
}

function whyNone({ magics }: LoaderPlugin, refused: FormatEntries['refused']): string {
  if (magics.length === 0) return 'its files do not all begin alike, so nothing tells them to the kernel';
  return refused[0]?.why ?? 'none of its magics can be registered';
}
