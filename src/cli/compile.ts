/** `run-foreign compile`: a program becomes a file that starts where there is no run-foreign. */
import { about } from '../errors.ts';
import { compileProgram, isSealed } from '../launch/compile.ts';
import { loadProgram } from '../launch/load.ts';
import { shownName } from '../launch/names.ts';
import type { ProgramRequest } from '../launch/request.ts';
import type { Secrets } from '../loader/contract.ts';
import { timed } from '../trace.ts';
import { shortUsage, TOPICS } from './help.ts';
import { toBytes } from './invocation.ts';
import type { ParsedArguments } from './options.ts';
import { write } from './output.ts';
import { checkOutput, writeOutput } from './output-file.ts';
import { programRequest } from './run.ts';
import { usageError } from './usage-error.ts';

const HELP = 'see run-foreign compile --help';
const MODE = 0o755;

/** Nobody is asked for keys to what is not compiled anyhow. */
const NO_SECRETS: Secrets = {
  identities: () => Promise.reject(isSealed()),
  passphrase: () => Promise.reject(isSealed()),
};

export async function compile(
  { options, rest }: ParsedArguments,
  envp: readonly Uint8Array[],
): Promise<number> {
  if (rest.length === 0) {
    write(2, shortUsage(TOPICS.compile));
    return 2;
  }
  if (rest.length > 1)
    throw usageError('compile takes one PROGRAM: arguments are given when it is run', HELP);
  if (options.output === undefined) {
    throw usageError('compile needs --output FILE, or - for standard output', HELP);
  }
  const output = { path: toBytes(options.output), mode: MODE, replace: options.force };
  checkOutput(output);
  const request: ProgramRequest = {
    ...(await programRequest(rest, envp, options)),
    secrets: NO_SECRETS,
    secretsWith: () => NO_SECRETS,
  };
  const loaded = await loadProgram(request);
  const pieces = await compileProgram(loaded, request, request.progress ?? (() => {}));
  const written = { event: 'write', file: shownName(output.path) } as const;
  await about(shownName(request.name), () =>
    timed(request.trace, written, () => writeOutput(output, pieces)),
  );
  return 0;
}
