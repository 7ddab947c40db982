/** The command with options: reads them, and does what they ask for. */

import { withConfiguration } from './config/apply.ts';
import { setVerbose } from './ending.ts';
import {
  type CommandName,
  type HelpTopic,
  isCommandName,
  mainHelp,
  RUN_TOPIC,
  shortUsage,
  TOPICS,
  topicHelp,
  VERSION_LINE,
} from './help.ts';
import type { RawInvocation } from './invocation.ts';
import { type ParsedArguments, parseArguments } from './options.ts';
import { write, writeLine } from './output.ts';
import { programRequest, run } from './run.ts';
import { withArgv0 } from './run-options.ts';
import { splitShebangOptions } from './shebang-options.ts';
import { usageError } from './usage-error.ts';

/** A command of ours: gets its own options and what follows them, returns the exit status. */
export type Command = (parsed: ParsedArguments, envp: readonly Uint8Array[]) => Promise<number>;

/** Each is loaded only when it is asked for. */
const COMMANDS: Record<CommandName, () => Promise<Command>> = {
  plan: async () => (await import('./plan.ts')).plan,
  inspect: async () => (await import('./inspect.ts')).inspect,
  compile: async () => (await import('./compile.ts')).compile,
  checkpoint: async () => (await import('./checkpoint.ts')).checkpoint,
  duplicate: async () => (await import('./duplicate.ts')).duplicate,
  seal: async () => (await import('./seal.ts')).seal,
  unseal: async () => (await import('./unseal.ts')).unseal,
  'new-loader': async () => (await import('./new-loader/new-loader.ts')).newLoader,
  formats: async () => (await import('./formats.ts')).formats,
  check: async () => (await import('./check.ts')).check,
  explain: async () => (await import('./explain.ts')).explain,
  binfmt: async () => (await import('./binfmt/binfmt.ts')).binfmt,
  config: async () => (await import('./config/config.ts')).config,
  completion: async () => (await import('./completion/completion.ts')).completion,
};

/** Returns the exit status; does not return at all when a program takes over. */
export async function main({ args, envp, argv0 }: RawInvocation): Promise<number> {
  if (argv0 !== undefined)
    return start({ ...(await parseArguments([], envp, RUN_TOPIC.options)), rest: args }, envp, argv0);
  const given = splitShebangOptions(args);
  const parsed = await parseArguments(given, envp, RUN_TOPIC.options);
  const { options, own, rest, ended } = parsed;
  setVerbose(options.verbose === true);
  if (options.help) return help();
  if (options.version) {
    writeLine(1, VERSION_LINE);
    return 0;
  }
  const [first, ...others] = rest;
  if (first === undefined) {
    write(2, shortUsage());
    return 2;
  }
  const name = ended ? '' : Buffer.from(first).toString();
  if (name === 'help') return help(others[0] && Buffer.from(others[0]).toString());
  if (isCommandName(name)) return command(name, [...own, ...others], envp);
  return start(parsed, envp);
}

/** `argv0` is what the kernel says that the program was called by. */
async function start(
  parsed: ParsedArguments,
  envp: readonly Uint8Array[],
  argv0?: Uint8Array,
): Promise<number> {
  const { options } = await withConfiguration(parsed, envp, RUN_TOPIC.options, parsed.rest[0]);
  setVerbose(options.verbose === true);
  const request = await programRequest(parsed.rest, envp, withArgv0(options, argv0));
  if (options.gdb === undefined) return run(request);
  const { runDebugged } = await import('./gdb/run-debugged.ts');
  return runDebugged(request, options.gdb.port, envp);
}

async function command(
  name: CommandName,
  args: readonly Uint8Array[],
  envp: readonly Uint8Array[],
): Promise<number> {
  const { options, optionsAnywhere }: HelpTopic = TOPICS[name];
  const parsed = await parseArguments(args, envp, options, optionsAnywhere);
  if (options.includes('verbose')) setVerbose(parsed.options.verbose === true);
  if (parsed.options.help) return help(name);
  const action = await COMMANDS[name]();
  // Of what code from elsewhere can be named for, the configuration says something, too.
  if (!options.includes('loader')) return action(parsed, envp);
  return action(await withConfiguration(parsed, envp, options, parsed.rest[0]), envp);
}

function help(topic?: string): number {
  if (topic !== undefined && !isCommandName(topic)) throw usageError(`there is no command '${topic}'`);
  write(1, topic === undefined ? mainHelp() : topicHelp(TOPICS[topic]));
  return 0;
}
