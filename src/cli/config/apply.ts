/** What the user's configuration says of a start, if there is one: it is looked for by all that take loaders. */

import { printable } from '../../errors.ts';
import { environmentValue } from '../../launch/environment.ts';
import { configFile } from '../../plugins/config.ts';
import { RUN_TOPIC } from '../help.ts';
import { moduleLimit, reportStrayFailures } from '../loaders.ts';
import type { Layer } from '../option-layers.ts';
import type { OptionName } from '../option-specs.ts';
import { optionsOf } from '../option-values.ts';
import type { ParsedArguments } from '../options.ts';
import { writeLine } from '../output.ts';
import type { Part } from './fields.ts';

/**
 * What was parsed with what the configuration adds to it; `names` are the options that count here, `program` is what is to be
 * started, if anything is. Throws USAGE and LOADER_FAILED.
 */
export async function withConfiguration(
  parsed: ParsedArguments,
  envp: readonly Uint8Array[],
  names: readonly OptionName[],
  program: Uint8Array | undefined,
): Promise<ParsedArguments> {
  const file = configFile(process.env);
  if (file === undefined) return parsed;
  const { readConfiguration } = await import('./read.ts');
  const { guardProcess } = await import('../../plugins/guard.ts');
  const { moduleRunner } = await import('../../plugins/run-module.ts');
  const { partsFor, targetOf } = await import('./match.ts');
  const warn = (text: string) => writeLine(2, printable(`run-foreign: ${text}`));
  const say = (text: string) => {
    if (parsed.options.verbose) warn(text);
  };
  const modules = moduleRunner(process.env, await moduleLimit(parsed.options), say);
  const run: typeof modules.run = (script, look) => {
    guardProcess();
    reportStrayFailures();
    return modules.run(script, look);
  };
  const configuration = await readConfiguration(file, process.env, run, warn);
  if (configuration === undefined) return parsed;
  const target = program && targetOf(program, environmentValue(envp, 'PATH'));
  const parts = partsFor(configuration.parts, target, process.env['HOME']);
  const layers = parts.map((part) => layerOf(part, names));
  // What is for one program is asked before what is for all.
  const loaders = [...parts].reverse().flatMap((part) => part.loaders);
  const options = { ...optionsOf(parsed.given, layers), configured: { path: configuration.path, loaders } };
  return { ...parsed, options, applied: { file, parts } };
}

/** The same where nothing but a program and its arguments was given. */
export async function configuredOptions(
  program: Uint8Array,
  envp: readonly Uint8Array[],
): Promise<ParsedArguments['options']> {
  const given = { args: {}, environment: {} };
  const parsed = { options: optionsOf(given), own: [], rest: [program], ended: false, given };
  return (await withConfiguration(parsed, envp, RUN_TOPIC.options, program)).options;
}

function layerOf({ key, values }: Part, names: readonly OptionName[]): Layer {
  const own = Object.entries(values).filter(([name]) => names.some((each) => each === name));
  return { values: Object.fromEntries(own), demands: key !== undefined };
}
