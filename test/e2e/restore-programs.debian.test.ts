/** Programs that nobody wrote for it: databases in the middle of a transaction, many threads, long computations. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileRestored, Subject, scratchDirectory, until } from '../support/restored.ts';

const scratch = scratchDirectory();
const bin = join(scratch.path, 'bin');
const subjects: Subject[] = [];

beforeAll(() => mkdirSync(bin));
afterAll(() => {
  for (const subject of subjects) subject.kill();
  scratch.remove();
});

async function start(name: string, file: string, args: readonly string[] = []): Promise<Subject> {
  const directory = join(scratch.path, name);
  mkdirSync(directory);
  const subject = await Subject.start(file, directory, args);
  subjects.push(subject);
  return subject;
}

const TRANSACTION = `import sqlite3, signal, sys
database = sqlite3.connect('data.db', isolation_level=None)
database.execute('create table t (n integer primary key, s text)')
database.execute('begin immediate')
for n in range(1000):
    database.execute('insert into t values (?, ?)', (n, 'x' * 500))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print('ready', flush=True)
signal.sigwait([signal.SIGUSR1])
for n in range(1000, 2000):
    database.execute('insert into t values (?, ?)', (n, 'y' * 500))
database.execute('commit')
print(*database.execute('select count(*), sum(n), min(s) = max(s) from t').fetchone(), flush=True)
print(database.execute('pragma integrity_check').fetchone()[0], flush=True)
`;

describe('a database', () => {
  it('commits the transaction it was in', async () => {
    const program = join(scratch.path, 'program.py');
    writeFileSync(program, TRANSACTION);
    const subject = await start('sqlite', '/usr/bin/python3', [program]);
    const path = await subject.checkpoint();
    expect(existsSync(join(subject.directory, 'data.db-journal'))).toBe(true);
    await subject.restore(path);
    // The lock on the file is the process's again.
    const other =
      "import sqlite3\ntry: sqlite3.connect('data.db', timeout=0).execute('begin immediate')\nexcept Exception as e: print(e)";
    expect(
      execFileSync('/usr/bin/python3', ['-c', other], { cwd: subject.directory, encoding: 'latin1' }),
    ).toBe('database is locked\n');
    expect(await subject.finish()).toBe(0);
    expect(subject.text()).toBe('ready\n2000 1999000 0\nok\n');
  });
});

describe('many threads', () => {
  it('all go on where they were', async () => {
    const subject = await start('threads', compileRestored('busy-threads', bin));
    for (let time = 0; time < 3; time++) await subject.restore(await subject.checkpoint());
    expect(await subject.finish()).toBe(0);
    expect(subject.text()).toBe('ready\ndone\n');
  });
});

describe('a long computation', () => {
  it('ends with the right answer after a hundred checkpoints and restores', async () => {
    const subject = await start('digest', compileRestored('digest', bin));
    for (let time = 0; time < 100; time++) await subject.restore(await subject.checkpoint());
    subject.signal('SIGUSR1');
    await until(
      () => subject.text() !== 'ready\n',
      () => 'it does not end',
      120_000,
    );
    expect(subject.text()).toBe('ready\ndone\n');
    expect(await subject.exit()).toBe(0);
  }, 300_000);
});

describe('memory that is mapped from a checkpoint', () => {
  it('is all in the next one, be it touched or not, and the file still there or not', async () => {
    const subject = await start('large', compileRestored('large', bin));
    for (let generation = 0; generation < 4; generation++) {
      // Each takes the place of the one before, from which the process is mapped.
      const path = await subject.checkpoint();
      await subject.restore(path, ['--map-memory']);
      expect(readFileSync(`/proc/${subject.pid}/maps`, 'latin1')).toContain(path);
    }
    expect(await subject.finish()).toBe(0);
    expect(subject.text()).toBe('ready\ndone\n');
  });
});
