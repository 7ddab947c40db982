/**
 * import(), which the command cannot do: its code comes from V8's cache (src/bin/script.ts). So the build puts this beside it,
 * as a file that the command requires.
 */
export function importModule(url: string): Promise<unknown> {
  return import(url);
}
