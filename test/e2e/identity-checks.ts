/**
 * What must hold of a program that run-foreign started, next to the same file started by execve. One
 * describe block a program; identity.test.ts and identity.debian.test.ts say which.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Identity, identityOf, withoutPrivilege } from '../support/proc.ts';
import { COMMAND, NODE_PATH, run } from '../support/run.ts';
import { exact, vdsoNeighbours, view, writableCode } from './identity-view.ts';

export interface Program {
  readonly title: string;
  /** An absolute path, without symbolic links. */
  readonly file: () => string;
  readonly bits: 32 | 64;
  readonly args?: readonly string[];
}

export const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: NODE_PATH,
  IDENTITY: 'a value',
  EMPTY: '',
  LC_ALL: 'C',
};

const MOST_STARTS = 6;

export interface Pair {
  readonly native: Identity;
  readonly foreign: Identity;
}

/** `prefix` is a command that starts another one, as setarch does. */
export async function startBoth(program: Program, prefix: readonly string[] = []): Promise<Pair> {
  const { bits, args = ['first', '', '--last'] } = program;
  const file = program.file();
  const start = async (words: readonly string[]) => {
    const [command = '', ...rest] = [...prefix, ...words, ...args];
    return identityOf(command, rest, { env: ENVIRONMENT, bits });
  };
  const [native, foreign] = await Promise.all([start([file]), start([COMMAND, file])]);
  return { native, foreign: withoutPrivilege(foreign, native.exe) };
}

export function describeIdentity(program: Program): void {
  describe(program.title, () => {
    let pair: Pair;
    beforeAll(async () => {
      pair = await startBoth(program);
    });

    test('has the name, file, arguments and environment that execve gives it', () => {
      const { maps: _, stat: __, auxv: ___, ...foreign } = view(pair.foreign);
      const { maps: _m, stat: _s, auxv: _a, ...native } = view(pair.native);
      expect(foreign).toEqual(native);
      expect(foreign.exe).toBe(program.file());
    });

    test('has its memory in the same sequence, and no mapping more', () => {
      expect(view(pair.foreign).maps).toEqual(view(pair.native).maps);
    });

    test('has its vDSO beside the same neighbours', () => {
      expect(vdsoNeighbours(pair.foreign.maps)).toEqual(vdsoNeighbours(pair.native.maps));
    });

    test('has writable and executable pages only where execve gives them', () => {
      expect(writableCode(pair.foreign.maps)).toEqual(writableCode(pair.native.maps));
    });

    test('has code, data, heap, stack, arguments and environment recorded as by execve', () => {
      expect(view(pair.foreign).stat).toEqual(view(pair.native).stat);
    });

    test('has the auxiliary vector of execve, in its order', () => {
      expect(view(pair.foreign).auxv).toEqual(view(pair.native).auxv);
    });

    test('has other addresses in the next run', async () => {
      const again = await startBoth(program);
      const places = ({ maps, stat }: Identity) =>
        [stat.start_stack, stat.start_brk, maps.find(({ name }) => name === '[vdso]')?.start].join();
      expect(places(again.foreign)).not.toBe(places(pair.foreign));
      // 32-bit code has 256 places, so one of two may stay where it was by chance, but not again and again.
      const starts = [pair, again];
      const moves = (who: keyof Pair) => new Set(starts.map((each) => each[who].stat.start_code)).size > 1;
      while (moves('foreign') !== moves('native') && starts.length < MOST_STARTS)
        starts.push(await startBoth(program));
      expect(moves('foreign')).toBe(moves('native'));
    });
  });
}

/**
 * Without randomisation everything has one place, and that is execve's. Some containers forbid
 * personality(2); there the pair is one process twice, and identity-plan.test.ts still holds it to its plan.
 */
export function describeFixedIdentity(program: Program): void {
  describe(`${program.title}, without randomisation`, () => {
    let pair: Pair;
    beforeAll(async () => {
      const prefix = await withoutRandomness();
      pair = await startBoth(program, prefix);
      if (prefix.length === 0) pair = { native: pair.foreign, foreign: pair.foreign };
    });

    test('has its code, data, arguments and environment at the addresses of execve', () => {
      const { start_brk: _, ...foreign } = exact(pair.foreign).stat;
      const { start_brk: __, ...native } = exact(pair.native).stat;
      expect(foreign).toEqual(native);
    });

    test('has a heap that begins where that of execve does', () => {
      expect(exact(pair.foreign).stat.start_brk).toBe(exact(pair.native).stat.start_brk);
    });

    test('has its own segments, heap and stack where execve puts them', () => {
      expect(ownMappings(pair.foreign)).toEqual(ownMappings(pair.native));
    });

    test('has its interpreter, libraries and vDSO where execve puts them', () => {
      expect(exact(pair.foreign).maps).toEqual(exact(pair.native).maps);
      expect(exact(pair.foreign).auxv).toEqual(exact(pair.native).auxv);
    });
  });
}

function ownMappings(identity: Identity): string[] {
  const own = new Set([identity.exe, '[heap]', '[stack]']);
  return exact({ ...identity, maps: identity.maps.filter(({ name }) => own.has(name)) }).maps;
}

/** The command that switches randomisation off, or nothing where it is not allowed. */
export async function withoutRandomness(): Promise<string[]> {
  return (await run('setarch', ['-R', 'true'])).status === 0 ? ['setarch', '-R'] : [];
}
