/**
 * `--gdb`: the program starts under a debugger, which stops it before its first instruction. Our process becomes the
 * debugger, by execve, and the debugger executes the stub as often as the user says `run`. So the terminal, its signals
 * and the exit status are the debugger's, as if the user had called it. All it needs it inherits as descriptors, of files
 * in memory among them, so nothing is left behind.
 */
import { constants, openSync } from 'node:fs';
import { about, ForeignError } from '../../errors.ts';
import { becomeExecutable, inherit } from '../../launch/inherited.ts';
import { memoryFile } from '../../launch/memory-file.ts';
import { findCommand } from '../../launch/names.ts';
import { environmentValue, type PreparedProgram, prepareStart } from '../../launch/prepare.ts';
import { tellExec } from '../../launch/start.ts';
import { type Plan, vaultOf } from '../../plan/plan.ts';
import { clearForOthers, writeLine } from '../output.ts';
import { type CommandRequest, withSecrets } from '../run.ts';
import { canBeNamed, connectingScript, gdbArguments, gdbserverArguments, remote } from './commands.ts';
import { debugFile } from './debug-file.ts';
import { HandOver } from './hand-over.ts';
import { checkPort } from './port.ts';

/** Becomes gdb or, with a port, gdbserver; `envp` is the debugger's environment. Returns only by throwing. */
export async function runDebugged(
  request: CommandRequest,
  port: number | undefined,
  envp: readonly Uint8Array[],
): Promise<never> {
  const name = port === undefined ? 'gdb' : 'gdbserver';
  const tool = findTool(name, envp);
  if (port !== undefined) await checkPort(port);
  const prepared = await withSecrets(request, prepareStart);
  if ('lost' in prepared) throw new Error('a process that goes on was to be refused');
  const { plan } = prepared;
  return about(plan.program, async () => {
    refuseConfidential(plan);
    const argv = port === undefined ? await gdb(prepared, request) : await gdbserver(prepared, request, port);
    const stdin = port === undefined && isWithoutInput(plan, request) ? terminal() : undefined;
    tellExec(request.trace, name);
    clearForOthers();
    return becomeExecutable({ path: tool, argv: [Buffer.from(name), ...argv], envp, stdin });
  });
}

async function gdb(prepared: PreparedProgram, request: CommandRequest): Promise<Uint8Array[]> {
  const handOver = new HandOver();
  const file = handOver.debugFile(await debugFile(prepared, request, () => true));
  return gdbArguments(await handOver.stub(prepared.plan, request.progress), file);
}

async function gdbserver(
  prepared: PreparedProgram,
  request: CommandRequest,
  port: number,
): Promise<Uint8Array[]> {
  const handOver = new HandOver();
  const file = handOver.debugFile(await debugFile(prepared, request, canBeNamed));
  const script = handOver.nameOf(await memoryFile('run-foreign.gdb', connectingScript(port, file)));
  const stub = await handOver.stub(prepared.plan, request.progress);
  writeLine(2, `run-foreign: connect with  gdb -x ${script}`);
  writeLine(2, `run-foreign: or say in gdb  target remote ${remote(port)}`);
  return gdbserverArguments(stub, port, file);
}

function findTool(name: string, envp: readonly Uint8Array[]): Uint8Array {
  const found = findCommand(Buffer.from(name), environmentValue(envp, 'PATH'));
  if (found !== undefined) return found;
  throw new ForeignError('INTERPRETER_MISSING', `--gdb needs ${name}, which is not in PATH`, {
    hint: `as root, on Debian: apt-get install ${name}`,
  });
}

function refuseConfidential(plan: Plan): void {
  if (vaultOf(plan)?.confidential !== true) return;
  throw new ForeignError('UNSUPPORTED', 'is confidential, and a debugger shows all that there is', {
    hint: '--not-confidential lets it',
  });
}

/** Whether what gdb would read its commands from was the program, or a key to it. */
function isWithoutInput(plan: Plan, request: CommandRequest): boolean {
  return request.stdin === undefined && plan.steps.some(({ op }) => op === 'stdin');
}

function terminal(): number | undefined {
  try {
    return inherit([openSync('/dev/tty', constants.O_RDWR)])[0];
  } catch (cause) {
    throw new ForeignError('UNSUPPORTED', 'comes through standard input, and there is no terminal for gdb', {
      hint: 'save it as a file, or take --gdb=PORT',
      cause,
    });
  }
}
