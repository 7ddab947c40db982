/**
 * `--gdb`: the program starts under a debugger, which stops it before its first instruction. Our process becomes the
 * debugger, by execve, and the debugger executes the stub as often as the user says `run`. So the terminal, its signals
 * and the exit status are the debugger's, as if the user had called it. All it needs it inherits as descriptors, of files
 * in memory among them, so nothing is left behind.
 */
import { constants, openSync } from 'node:fs';
import type { ExecRequest } from '../../emit/exec-stub.ts';
import { about, ForeignError, printable } from '../../errors.ts';
import { environmentValue } from '../../launch/environment.ts';
import { becomeExecutable, inherit } from '../../launch/inherited.ts';
import { memoryFile } from '../../launch/memory-file.ts';
import { findCommand, shownName } from '../../launch/names.ts';
import { type PreparedProgram, planLoaded, prepareStart } from '../../launch/prepare.ts';
import { tellExec } from '../../launch/start.ts';
import { type Plan, vaultOf } from '../../plan/plan.ts';
import { clearForOthers, writeLine } from '../output.ts';
import { type CommandRequest, sayStart, withSecrets } from '../run.ts';
import { canBeNamed, connectingScript, gdbArguments, gdbserverArguments, remote } from './commands.ts';
import { debugFile, misleadsGdbserver } from './debug-file.ts';
import { HandOver } from './hand-over.ts';
import { untoldOffset } from './placement.ts';
import { openPort, waitForConnection } from './port.ts';

/** Becomes gdb or, with a port, gdbserver; `envp` is the debugger's environment. Returns only by throwing. */
export async function runDebugged(
  request: CommandRequest,
  port: number | undefined,
  envp: readonly Uint8Array[],
): Promise<never> {
  const name = port === undefined ? 'gdb' : 'gdbserver';
  const path = findTool(name, envp);
  const listener = port === undefined ? undefined : { port, fd: openPort(port) };
  const prepared = await withSecrets(request, prepareStart);
  if ('lost' in prepared) throw new Error('a process that goes on was to be refused');
  const { plan } = prepared;
  return about(plan.program, async () => {
    refuseConfidential(plan);
    if (request.report === true) sayStart(prepared, (text) => say(`${plan.program}: ${text}`));
    const { args, streams } =
      listener === undefined ? await gdb(prepared, request) : await gdbserver(prepared, request, listener);
    tellExec(request.trace, name);
    clearForOthers();
    return becomeExecutable({ path, argv: [Buffer.from(name), ...args], envp, streams });
  });
}

/** What a debugger is started with. */
interface Debugger extends Pick<ExecRequest, 'streams'> {
  readonly args: readonly Uint8Array[];
}

async function gdb(prepared: PreparedProgram, request: CommandRequest): Promise<Debugger> {
  const { plan } = prepared;
  const handOver = new HandOver();
  const offset = untoldOffset(prepared);
  const found = await debugFile(prepared, request, offset === undefined ? () => true : canBeNamed);
  const symbols = { file: handOver.debugFile(found), offset };
  const args = gdbArguments(await handOver.stub(plan, request.progress), symbols);
  return { args, streams: isWithoutInput(plan, request) ? { from: terminal(), to: [0] } : undefined };
}

async function gdbserver(
  prepared: PreparedProgram,
  request: CommandRequest,
  { port, fd }: { readonly port: number; readonly fd: number },
): Promise<Debugger> {
  const handOver = new HandOver();
  const plan = misleadsGdbserver(prepared)
    ? await planLoaded({ ...prepared, exe: undefined }, request, prepared.host)
    : prepared.plan;
  const found = await debugFile(prepared, request, canBeNamed);
  const file = handOver.debugFile(found);
  const symbols = { file, offset: untoldOffset(prepared) };
  const commands = connectingScript(port, symbols, !('path' in found));
  const script = handOver.nameOf(await memoryFile('run-foreign.gdb', commands));
  handOver.keepStreams([0, 1]);
  const args = gdbserverArguments(await handOver.stub(plan, request.progress), file);
  say(`${shownName(request.name)} waits for gdb, before its first instruction`);
  say(`connect with  gdb -x ${script}`);
  say(`or say in gdb  target remote ${remote(port)}`);
  const connection = waitForConnection(fd, port, (uid) => say(`the user ${uid} was not let in`));
  const [from = -1] = inherit([connection]);
  return { args, streams: { from, to: [0, 1] } };
}

const say = (text: string): void => writeLine(2, printable(`run-foreign: ${text}`));

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

function terminal(): number {
  try {
    const [number = -1] = inherit([openSync('/dev/tty', constants.O_RDWR)]);
    return number;
  } catch (cause) {
    throw new ForeignError('UNSUPPORTED', 'comes through standard input, and there is no terminal for gdb', {
      hint: 'save it as a file, or take --gdb=PORT',
      cause,
    });
  }
}
