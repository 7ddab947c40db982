/** Environment blocks: what is in one, and what files want in a program's. */

/**
 * The environment `envp` with those of the `defaults` whose variables it does not have. Of two of a name the first
 * counts; none of the names in `withheld` is added.
 */
export function withDefaults(
  envp: readonly Uint8Array[],
  defaults: readonly Uint8Array[],
  withheld: readonly Uint8Array[] = [],
): readonly Uint8Array[] {
  if (defaults.length === 0) return envp;
  const taken = new Set([...withheld, ...envp].map(nameOf));
  const added = defaults.filter((entry) => {
    const name = nameOf(entry);
    return !taken.has(name) && taken.add(name);
  });
  return [...envp, ...added];
}

/** The value of a variable in an environment block; the first one counts, as in getenv(3). */
export function environmentValue(envp: readonly Uint8Array[], name: string): Uint8Array | undefined {
  const prefix = Buffer.from(`${name}=`);
  const found = envp.find(
    (entry) => entry[0] === prefix[0] && prefix.equals(entry.subarray(0, prefix.length)),
  );
  return found?.subarray(prefix.length);
}

/** As a byte string. */
function nameOf(entry: Uint8Array): string {
  const text = Buffer.from(entry).toString('latin1');
  const equals = text.indexOf('=');
  return equals < 0 ? text : text.slice(0, equals);
}
