/**
 * Becoming a program. This is the plain start path: nothing slow may be imported here, above all not
 * yargs (test/cli/imports.test.ts holds the list).
 */
import { builtinLoaders } from '../../loaders/index.ts';
import { hex } from '../errors.ts';
import { type ProgramRequest, prepareProgram } from '../launch/prepare.ts';
import { startPlan } from '../launch/start.ts';
import { toBytes } from './invocation.ts';
import { writeLine } from './output.ts';
import { programEnvironment, type RunOptions } from './run-options.ts';
import { self } from './self.ts';

/** What to run, as raw bytes, with PROGRAM first. */
export function programRequest(
  command: readonly Uint8Array[],
  envp: readonly Uint8Array[],
  options: RunOptions,
): ProgramRequest {
  const [name = new Uint8Array(0), ...args] = command;
  return {
    name,
    args,
    argv0: options.argv0 === undefined ? undefined : toBytes(options.argv0),
    envp: programEnvironment(envp, options),
    format: options.format,
    loaders: builtinLoaders,
    self: self(),
    report: options.verbose === true,
  };
}

export async function run(request: ProgramRequest): Promise<never> {
  const { plan, image } = await prepareProgram(request);
  if (request.report === true) {
    const say = (text: string) => writeLine(2, `run-foreign: ${plan.program}: ${text}`);
    say(`${image.format} (${image.variant}), ${image.arch}, entry ${hex(image.entry)}`);
    if (image.interpreter !== undefined) say(`interpreter ${image.interpreter.source.name}`);
    say(`${plan.steps.length} steps, the stub stands at ${hex(plan.stub)}; run-foreign plan shows them`);
  }
  return startPlan(plan);
}
