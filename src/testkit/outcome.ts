/** What a file comes to when a loader has it: everything but starting a program. */
import { type ErrorCode, ForeignError, hex } from '../errors.ts';
import type { ProgramImage } from '../image/image.ts';
import type { ProcessState } from '../image/process-state.ts';
import { validateImage } from '../image/validate.ts';
import { withDefaults } from '../launch/environment.ts';
import { callLoader } from '../loader/call.ts';
import type { Loaded, NamedProgram } from '../loader/contract.ts';
import { resolveProgram } from '../loader/registry.ts';
import { type Plan, vaultOf } from '../plan/plan.ts';
import { type Invocation, planProgram } from '../plan/planner.ts';
import { planText } from '../plan/print.ts';
import { ADDRESS_SPACES } from '../process/address-space.ts';
import { memorySource } from '../source/memory.ts';
import type { BackingFile, Source } from '../source/source.ts';
import { hostContext, type Open } from './context.ts';
import { fixedHost } from './fixed-host.ts';
import type { Subject } from './subject.ts';

/** What no file may bring about. */
const LOADERS_FAULT: readonly ErrorCode[] = ['INTERNAL', 'LOADER_FAILED', 'USAGE'];
/** What the file is open as; nothing is read through it. */
const PROGRAM_FD = 100;
/** Of a vault this much is read at once, bytes. */
const PIECE = 2 ** 20;

export type Outcome =
  | { readonly kind: 'refused'; readonly error: ForeignError }
  | { readonly kind: 'plan'; readonly plan: Plan }
  /** One that goes on: how it does depends on the machine, so it is looked at and not planned. */
  | { readonly kind: 'process'; readonly image: ProgramImage; readonly state: ProcessState }
  | Extract<Loaded, { kind: 'interpreter' | 'program' }>;

/** Throws what a loader may not throw, however the file is. */
export async function outcomeOf(
  subject: Subject,
  bytes: Uint8Array,
  name: string,
  open: Open,
): Promise<Outcome> {
  const path = Buffer.from(`/samples/${name}`);
  const source: Source = { ...memorySource(bytes, name), file: { fd: PROGRAM_FD, path, offset: 0 } };
  const argv = [path, Buffer.from('an argument')];
  const { loader, options, limit } = subject;
  try {
    const context = { ...hostContext(subject, open), options, argv };
    const loaded = await callLoader(loader, source, context, limit);
    if (loaded.kind === 'image') return await planned(loaded.image, { argv, execfn: path, exe: source.file });
    if (loaded.kind !== 'unwrap') return loaded;
    return await unwrapped(subject, loaded.source, { argv, execfn: path, exe: source.file }, open);
  } catch (error) {
    if (!(error instanceof ForeignError) || LOADERS_FAULT.includes(error.code)) throw error;
    return { kind: 'refused', error };
  }
}

interface Way {
  readonly argv: readonly Uint8Array[];
  readonly execfn: Uint8Array;
  readonly exe: BackingFile | undefined;
  readonly env?: readonly Uint8Array[];
}

/** What was inside is anybody's. */
async function unwrapped(subject: Subject, inside: Source, way: Way, open: Open): Promise<Outcome> {
  const { loaders, given, guests } = subject;
  const resolution = await resolveProgram({
    ...way,
    source: inside,
    loaders,
    context: hostContext(subject, open),
    options: given,
    guests,
  });
  return planned(resolution.image, { ...way, ...resolution });
}

async function planned(image: ProgramImage, { argv, execfn, exe, env = [] }: Way): Promise<Outcome> {
  if (image.process !== undefined) {
    validateImage(image, ADDRESS_SPACES[image.arch].taskSize);
    return { kind: 'process', image, state: image.process.state };
  }
  const invocation: Invocation = {
    program: Buffer.from(execfn).toString(),
    argv,
    envp: withDefaults([Buffer.from('NAME=value')], env, undefined),
    execfn,
    exe,
  };
  const plan = planProgram(image, invocation, fixedHost());
  await readAll(plan);
  return { kind: 'plan', plan };
}

/** As it is read when the program starts, which is when some wrappers find what is wrong. */
async function readAll(plan: Plan): Promise<void> {
  for (const { source, offset, size } of vaultOf(plan)?.payloads ?? []) {
    for (let done = 0; done < size; done += PIECE)
      await source.read(offset + done, Math.min(PIECE, size - done));
    await source.checkAll?.();
  }
}

/** For golden files. */
export function outcomeText(outcome: Exclude<Outcome, { kind: 'refused' }>): string {
  if (outcome.kind === 'plan') return planText(outcome.plan);
  if (outcome.kind === 'program') return programText(outcome);
  if (outcome.kind === 'process') return processText(outcome.image, outcome.state);
  const args = outcome.args.map((arg) => `arg          ${placeless(shown(arg))}\n`);
  return `interpreter  ${placeless(shown(outcome.path))}\n${args.join('')}`;
}

/** Where Node lies, and where the loader's own files do, is the machine's affair. */
function placeless(text: string): string {
  if (text === process.execPath) return 'NODE';
  const here = `${process.cwd()}/`;
  return text.startsWith(here) ? `./${text.slice(here.length)}` : text;
}

function processText({ format, variant, segments }: ProgramImage, state: ProcessState): string {
  const stored = segments.map(({ address, size }) => `${hex(address)} ${hex(size)}`);
  return `${JSON.stringify({ format, variant, state: readable(state), stored }, null, 2)}\n`;
}

function programText(program: NamedProgram): string {
  return `${JSON.stringify(readable(program), null, 2)}\n`;
}

/** The same with text in the place of bytes. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return shown(value);
  if (typeof value === 'bigint') return hex(value);
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, readable(each)]));
}

const shown = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
