/**
 * The command's entry. `run-foreign PROGRAM args…` without options goes the plain way, which loads as
 * little as possible; everything else loads the rest of the command first.
 */
import { ending, isVerbose, moreLine } from '../cli/ending.ts';
import { rawInvocation } from '../cli/invocation.ts';
import { didYouMean } from '../cli/nearest.ts';
import { writeLine } from '../cli/output.ts';
import { programRequest, run } from '../cli/run.ts';
import { hasTwins, withArgv0 } from '../cli/run-options.ts';
import { EXIT, errorLine, ForeignError } from '../errors.ts';
import { exit } from '../exit.ts';
import { configFile } from '../plugins/config.ts';

/** First words that are commands of ours; a program of that name is `./plan` or `-- plan`. */
const COMMANDS = new Set([
  'plan',
  'inspect',
  'compile',
  'checkpoint',
  'duplicate',
  'seal',
  'unseal',
  'new-loader',
  'formats',
  'check',
  'explain',
  'binfmt',
  'completion',
  'config',
  'help',
]);
const DASH = 0x2d;

/** The exit status, if no program takes over. */
async function main(): Promise<number> {
  const invocation = rawInvocation();
  const { argv0 } = invocation;
  const [first] = invocation.args;
  const named = first !== undefined && first[0] !== DASH && !COMMANDS.has(Buffer.from(first).toString());
  if (first !== undefined && (named || argv0 !== undefined) && !hasTwins(invocation.envp)) {
    const configured = configFile(process.env) !== undefined;
    const options = configured
      ? await (await import('../cli/config/apply.ts')).configuredOptions(first, invocation.envp)
      : {};
    await run({
      ...(await programRequest(invocation.args, invocation.envp, withArgv0(options, argv0))),
      keep: !configured,
    });
  }
  const { main } = await import('../cli/main.ts');
  return main(invocation);
}

/** What to add where PROGRAM was not found, and looks like a command of ours. */
function mistypedCommand({ code, subject = '' }: ForeignError): string {
  if (code !== 'PROGRAM_NOT_FOUND') return '';
  const question = didYouMean(subject, [...COMMANDS], 'run-foreign ');
  return question === undefined ? '' : `; ${question}`;
}

function failureStatus(error: unknown): number {
  ending(error instanceof ForeignError ? error.exitCode : EXIT.ours, error);
  if (error instanceof ForeignError) {
    writeLine(2, errorLine(error) + mistypedCommand(error));
    if (isVerbose()) writeLine(2, moreLine(error.code));
    return error.exitCode;
  }
  const text = error instanceof Error ? error.message : String(error);
  writeLine(2, `run-foreign: internal error: ${text}; please report it`);
  if (isVerbose() && error instanceof Error) writeLine(2, error.stack ?? '');
  return EXIT.ours;
}

// Nobody is waited for: what a loader has left running is of no use any more.
main()
  .then((status) => {
    ending(status);
    return status;
  })
  .catch(failureStatus)
  .then(exit);
