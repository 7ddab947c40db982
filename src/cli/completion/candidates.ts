/** What can be known of what somebody may want to type: each function lists what begins with what is there already. */
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { builtinLoaders } from '../../../loaders/index.ts';

export interface Candidate {
  readonly value: string;
  /** For shells that show it. */
  readonly about?: string | undefined;
}

/** What could stand in the place of `typed`; it need not begin with it, for what does not is left out. */
export type Source = (typed: string) => readonly Candidate[];

/** More programs are not listed: nobody chooses from so many. */
const MOST_PROGRAMS = 1000;
const MOST_PROCESSES = 5000;

export const words =
  (...values: readonly string[]): Source =>
  () =>
    values.map((value) => ({ value }));

export const formats: Source = () =>
  builtinLoaders
    .filter(({ kind }) => kind !== 'wrapper')
    .map(({ name, description }) => ({ value: name, about: description }));

/** `flat.base=`, and the values where there is a choice. */
export const loaderOptions: Source = (typed) =>
  builtinLoaders.flatMap(({ name, options = {} }) =>
    Object.entries(options).flatMap(([key, { type, help: about }]) => {
      const option = `${name}.${key}`;
      if (type === 'flag') return [{ value: option, about }];
      if (typeof type === 'string' || !typed.startsWith(`${option}=`))
        return [{ value: `${option}=`, about }];
      return type.map((value) => ({ value: `${option}=${value}`, about }));
    }),
  );

export const variables: Source = () => Object.keys(process.env).map((value) => ({ value }));

export const assignments: Source = () => Object.keys(process.env).map((name) => ({ value: `${name}=` }));

/** Processes that the user may look into, without those that are the kernel's and this one. */
export const processes: Source = (typed) => {
  const user = process.geteuid?.();
  const numbers = readdirSync('/proc').filter((name) => /^[1-9]\d*$/.test(name) && name.startsWith(typed));
  return numbers.slice(0, MOST_PROCESSES).flatMap((pid) => {
    try {
      if (Number(pid) === process.pid || (user !== 0 && statSync(`/proc/${pid}`).uid !== user)) return [];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return command === '' ? [] : [{ value: pid, about: command }];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
};

/** Programs in PATH, once there is something that they can begin with. */
export const programs: Source = (typed) => {
  if (typed === '' || typed.includes('/')) return [];
  const found = new Set<string>();
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    for (const name of namesIn(directory)) {
      if (found.size === MOST_PROGRAMS) break;
      if (name.startsWith(typed) && !found.has(name) && isProgram(join(directory, name))) found.add(name);
    }
  }
  return [...found].map((value) => ({ value }));
};

function namesIn(directory: string): string[] {
  try {
    return directory === '' ? [] : readdirSync(directory);
  } catch {
    return [];
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
