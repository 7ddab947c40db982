/** Whether a start grows: with the size of the program, its segments, its arguments; as much as a native one, or more. */
import { join } from 'node:path';
import { BARE, compiled } from '../compiler.ts';
import { writeSparseProgram } from '../program.ts';
import type { Grid, Group, Line } from '../row.ts';
import { ENVIRONMENT, startsIn } from '../starts.ts';
import { closeAll, type Stub, stubOf } from '../stub.ts';

const MB = 1_000_000;
const SIZES = { '1 MB': MB, '16 MB': 16 * MB, '256 MB': 256 * MB, '1 GB': 1000 * MB, '4 GB': 4000 * MB };
const SEGMENTS = [1, 10, 100, 1000];
/** In which a thousand segments have a page each and more. */
const SIZE_WITH_SEGMENTS = 16 * MB;
/** Bytes; of all that stands before the program's stack the kernel takes 2 MiB (ulimit -s 8192). */
const ARGUMENTS = { '0': 0, '100 kB': 100_000, '500 kB': 500_000, '1 MB': MB, '2 MB': 2 * MB };
/** Bytes of one string; the kernel takes 128 KiB (MAX_ARG_STRLEN). */
const STRING = 50_000;

const COLUMNS = [{ name: 'posix_spawn' }, { name: 'stub', against: 'posix_spawn', ours: true }];

export async function growth(directory: string): Promise<Group> {
  const stubs: Stub[] = [];
  const starts = startsIn(directory);
  const line = async (
    name: string,
    file: string,
    args: readonly string[] = [],
    env = ENVIRONMENT,
  ): Promise<Line> => {
    const stub = await stubOf(file, args, env);
    stubs.push(stub);
    return {
      name,
      cells: [starts.command('posix_spawn', [file, ...args], { env }), starts.stub('stub', stub)],
    };
  };
  const bare = compiled(directory, 'bare', 'programs/bare.c', BARE);
  const sizes = Object.entries(SIZES).map(([name, size]) =>
    line(name, writeSparseProgram(join(directory, `size-${size}`), size)),
  );
  const segments = SEGMENTS.map((count) =>
    line(`${count}`, writeSparseProgram(join(directory, `segments-${count}`), SIZE_WITH_SEGMENTS, count)),
  );
  const words = Object.entries(ARGUMENTS).map(([name, size]) => {
    const { args, variables } = strings(size);
    return line(name, bare, args, { ...ENVIRONMENT, ...variables });
  });
  const grids = [
    await grid('size of the program', sizes),
    await grid('segments', segments),
    await grid('arguments and environment', words),
  ];
  return { grids, close: () => closeAll(stubs) };
}

async function grid(name: string, lines: readonly Promise<Line>[]): Promise<Grid> {
  return { name, unit: 'ms', picture: 'growth', columns: COLUMNS, lines: await Promise.all(lines) };
}

/** So many bytes of strings, of which every other one is an argument. */
function strings(size: number): { args: readonly string[]; variables: Readonly<Record<string, string>> } {
  const half = size / STRING / 2;
  const variables = Array.from({ length: half }, (_, index) => [
    `V${index}`,
    'v'.repeat(STRING - `V${index}=`.length - 1),
  ]);
  return {
    args: Array.from({ length: half }, () => 'a'.repeat(STRING - 1)),
    variables: Object.fromEntries(variables),
  };
}
