/** Where the values of options come from, and which of them count: an argument's, else a variable's, else the configuration's. */
import type { OptionName } from './option-specs.ts';

/** The options that are given in one place: a byte string or several, or a truth value. */
export type Found = Readonly<Partial<Record<OptionName, unknown>>>;

export interface Given {
  readonly args: Found;
  readonly environment: Found;
}

/** What the configuration says in one of its parts. */
export interface Layer {
  readonly values: Found;
  /** Whether it is about this very program, so that what it says the program must be is not ignored. */
  readonly demands: boolean;
}

/** Where two places name several, all of them are meant; of two for one name the later counts. */
const ADDED: ReadonlySet<string> = new Set<OptionName>(['env', 'unset-env', 'loader-opt']);
/** What says what a program must be. */
const CHECKS = ['sha256', 'verify-key'] as const;

/** Of `layers` the later win. */
export function merged(given: Given, layers: readonly Layer[]): { values: Found; demanded: boolean } {
  const user = { ...given.environment, ...given.args };
  const values: Record<string, unknown> = {};
  for (const [name, value] of [...layers.map((layer) => layer.values), user].flatMap(Object.entries)) {
    values[name] = ADDED.has(name) ? [values[name] ?? [], value].flat(2) : value;
  }
  const demanded = CHECKS.some(
    (name) => name in given.args || layers.some((layer) => layer.demands && name in layer.values),
  );
  return { values, demanded };
}

/** Whether what one place names is added to what another does. */
export const isAdded = (name: OptionName): boolean => ADDED.has(name);
