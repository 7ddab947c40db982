/**
 * A loaded program → a file that Linux starts by itself: the stub of a plan that serves any start, and behind it, from a
 * page boundary on, the bytes that the stub maps. It is the same wherever and whenever it is made.
 */
import { basename } from 'node:path';
import { emitStub } from '../emit/stub.ts';
import { about, ForeignError } from '../errors.ts';
import { isConfidential } from '../plan/materials.ts';
import { type Payload, type ReusablePlan, vaultOf } from '../plan/plan.ts';
import { planReusable } from '../plan/reusable.ts';
import { ADDRESS_SPACES, PAGE_SIZE } from '../process/address-space.ts';
import { ANY_HOST } from '../process/any-host.ts';
import type { OnProgress } from '../source/source.ts';
import { timedNow } from '../trace.ts';
import { discreetly } from './blame.ts';
import { authenticate, type LoadedProgram } from './load.ts';
import { shownName } from './names.ts';
import { refuseProcess } from './prepare.ts';
import type { ProgramRequest } from './request.ts';

const PIECE_SIZE = 4 * 2 ** 20;
/** Where the program's bytes may begin: in whole pages, and most stubs fit before it. */
const FIRST_OFFSET = 8192;

export type CompileRequest = Pick<ProgramRequest, 'name' | 'guests' | 'trace'>;

/**
 * Throws before a byte is made where a file cannot do what run-foreign would: UNSUPPORTED, and what planning does. All
 * that came from a network is authentic by then; what else is wrong with the program's bytes ends the pieces.
 */
export async function compileProgram(
  loaded: LoadedProgram,
  request: CompileRequest,
  progress: OnProgress,
): Promise<AsyncGenerator<Uint8Array, void, undefined>> {
  return about(shownName(request.name), async () => {
    checkAlone(loaded, request);
    const wish = { program: basename(Buffer.from(loaded.path).toString()), portable: true };
    const plan = timedNow(
      request.trace,
      { event: 'plan' },
      () => discreetly(loaded, request.guests, () => planReusable(loaded.image, wish, ANY_HOST)),
      (made) => ({ steps: made?.steps.length ?? 0 }),
    );
    if (plan === undefined) throw needsPlanning(loaded);
    await authenticate(loaded, request.trace);
    return file(plan, progress);
  });
}

/** Everything that belongs to the program must be in its image: the rest would be missing from the file. */
function checkAlone(loaded: LoadedProgram, { name }: CompileRequest): void {
  const { image, interpreted, argv, env, namedBy, path } = loaded;
  refuseProcess(loaded, 'compiled');
  if (isConfidential(image)) throw isSealed();
  const [argv0 = new Uint8Array(0), ...args] = argv;
  if (interpreted) {
    throw cannot(`is run by another program, ${Buffer.from(argv0)}, and only that could be compiled`);
  }
  if (isCompiled(loaded)) throw cannot('was made by run-foreign compile', 'copy it');
  const names = [name, path];
  const asGiven = namedBy.length === 0 || names.some((each) => Buffer.from(each).equals(argv0));
  if (args.length === 0 && env.length === 0 && asGiven) return;
  throw cannot(
    `gets arguments or environment from ${namedBy.at(-1) ?? 'a file'}`,
    'compile the program it names',
  );
}

/** A stub by its looks: two pages of zeros at the place of ours. It maps what is behind it by itself, so no segment has that. */
function isCompiled({ image }: LoadedProgram): boolean {
  const { start } = ADDRESS_SPACES[image.arch].quiet;
  return image.segments.some(
    ({ address, size, content }) => address === start && size === 2n * PAGE_SIZE && content === undefined,
  );
}

/** Why something sealed is not compiled; also for whoever would ask for its keys. */
export function isSealed(): ForeignError {
  return new ForeignError('UNSUPPORTED', 'is sealed, and everybody could read what is compiled', {
    hint: 'unseal it first (run-foreign unseal) if that may be',
    harmless: true,
  });
}

function needsPlanning({ image }: LoadedProgram): ForeignError {
  if (typeof image.stack.layout === 'function') {
    return cannot(`begins with a stack that the loader of ${image.format} makes for each start`);
  }
  const path = image.interpreter?.source.name ?? 'its interpreter';
  return cannot(`has an interpreter, ${path}, that must be laid out for each start`);
}

function cannot(why: string, hint = 'run it with run-foreign'): ForeignError {
  return new ForeignError('UNSUPPORTED', `cannot be compiled: it ${why}`, { hint });
}

async function* file(plan: ReusablePlan, progress: OnProgress): AsyncGenerator<Uint8Array, void, undefined> {
  const vault = vaultOf(plan);
  const { stub, from } = stubBefore(plan);
  yield stub;
  if (vault === undefined) return;
  let end = stub.length;
  const upTo = (offset: number) => {
    const gap = new Uint8Array(offset - end);
    end = offset;
    return gap;
  };
  const total = vault.payloads.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const payload of vault.payloads) {
    yield upTo(from + payload.at);
    for await (const piece of pieces(payload)) {
      yield piece;
      done += piece.length;
      progress('compiling', done, total);
    }
    end += payload.size;
  }
  yield upTo(from + vault.size);
  for (const source of new Set(vault.payloads.map((payload) => payload.source))) await source.checkAll?.();
}

/** The stub, and where in its file the program's bytes are for it. */
function stubBefore(plan: ReusablePlan): { stub: Uint8Array; from: number } {
  for (let from = FIRST_OFFSET; ; from *= 2) {
    const stub = emitStub(
      plan,
      plan.files.map(() => ({ ownFileFrom: BigInt(from) })),
    );
    if (stub.length <= from) return { stub, from };
  }
}

async function* pieces({ source, offset, size }: Payload): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < size; at += PIECE_SIZE) {
    yield await source.read(offset + at, Math.min(PIECE_SIZE, size - at));
  }
}
