/** What a program is called with, as the strings that child_process.spawn takes: where bytes are text, it makes the same of them. */

export interface ProgramText {
  /** argv[0] as it is unless the caller wishes another. */
  readonly argv0: string;
  /** Whether that is not the caller's to wish. */
  readonly fixed: boolean;
  /** The arguments before the caller's. */
  readonly args: readonly string[];
  /** What files want in the environment: name and value, of two of a name the first. */
  readonly defaults: readonly (readonly [name: string, value: string])[];
}

/** Undefined where something is no text. */
export function programText(
  { name, head }: { readonly name: Uint8Array; readonly head: readonly Uint8Array[] },
  { interpreted, env }: { readonly interpreted: boolean; readonly env: readonly Uint8Array[] },
): ProgramText | undefined {
  const [argv0, ...args] = textsOf(head.length === 0 ? [name] : head) ?? [];
  const variables = textsOf(env);
  if (argv0 === undefined || variables === undefined) return undefined;
  const defaults = new Map<string, string>();
  for (const variable of variables) {
    const equals = variable.indexOf('=');
    if (equals < 0) return undefined;
    const key = variable.slice(0, equals);
    if (!defaults.has(key)) defaults.set(key, variable.slice(equals + 1));
  }
  return { argv0, fixed: interpreted, args, defaults: [...defaults] };
}

/** The environment with those variables that it does not have. */
export function environmentWith(
  env: NodeJS.ProcessEnv | undefined,
  { defaults }: ProgramText,
): NodeJS.ProcessEnv | undefined {
  if (defaults.length === 0) return env;
  const all: NodeJS.ProcessEnv = Object.create(null);
  const taken = new Set<string>();
  const given = env ?? process.env;
  // With inherited ones, as child_process.spawn has them.
  for (const name in given) {
    if (given[name] === undefined) continue;
    all[name] = given[name];
    const equals = name.indexOf('=');
    taken.add(equals < 0 ? name : name.slice(0, equals));
  }
  for (const [name, value] of defaults) if (!taken.has(name)) all[name] = value;
  return all;
}

function textsOf(bytes: readonly Uint8Array[]): string[] | undefined {
  const texts = bytes.map((each) => Buffer.from(each).toString());
  return texts.every((text, index) => Buffer.from(text).equals(bytes[index] ?? new Uint8Array(0)))
    ? texts
    : undefined;
}
