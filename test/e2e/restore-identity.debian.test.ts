/** What /proc says of a process before its checkpoint and after its restore: the same. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { maySetExe } from '../support/machine.ts';
import { Subject, scratchDirectory } from '../support/restored.ts';

const scratch = scratchDirectory();
const subjects: Subject[] = [];

afterAll(() => {
  for (const subject of subjects) subject.kill();
  scratch.remove();
});

const read = (path: string) => readFileSync(path, 'latin1');
const lines = (path: string) => read(path).split('\n');

/** Counters, and what is of the machine, not of the process. */
const CHANGING =
  /^(Vm|Rss|Pid|Tgid|PPid|Ngid|NS|State|SigQ|FDSize|voluntary|nonvoluntary|Speculation|x86_Thread)|^(Cpus|Mems)_allowed:/;

/** Of what has no name. */
const withoutInode = (line: string) => line.replace(/\d+( +\/dev\/zero \(deleted\))$/, '$1');

function viewOf(pid: number): Record<string, unknown> {
  const directory = `/proc/${pid}`;
  const stat = read(`${directory}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const descriptors = readdirSync(`${directory}/fd`).map(Number);
  return {
    maps: lines(`${directory}/maps`).map(withoutInode),
    // A page of the vDSO holds the stub's last instructions.
    flags: lines(`${directory}/smaps`)
      .filter((line) => /^(VmFlags|[0-9a-f]+-)/.test(line))
      .map(withoutInode),
    status: lines(`${directory}/status`).filter((line) => !CHANGING.test(line)),
    // proc(5): priority, nice, threads; start_code … start_stack, start_data … env_end, exit_signal.
    stat: [18, 19, 20, 26, 27, 28, 38, 40, 41, 45, 46, 47, 48, 49, 50, 51].map((field) => fields[field - 3]),
    limits: read(`${directory}/limits`),
    auxv: readFileSync(`${directory}/auxv`).toString('hex'),
    exe: readlinkSync(`${directory}/exe`),
    cwd: readlinkSync(`${directory}/cwd`),
    cmdline: read(`${directory}/cmdline`),
    environ: read(`${directory}/environ`),
    comm: read(`${directory}/comm`),
    personality: read(`${directory}/personality`),
    oom: read(`${directory}/oom_score_adj`),
    descriptors: descriptors.map((number) => [
      number,
      readlinkSync(`${directory}/fd/${number}`).replace(/\[\d+\]/, '[]'),
      lines(`${directory}/fdinfo/${number}`)
        .filter((line) => !/^(pos|mnt_id|ino|clock_ticks|eventfd-id|it_value)|^\(/.test(line))
        .map((line) => line.replace(/ino:\w+/, ''))
        .sort(),
    ]),
    threads: readdirSync(`${directory}/task`).map((tid) => [
      read(`${directory}/task/${tid}/comm`),
      lines(`${directory}/task/${tid}/status`).filter((line) =>
        /^(Sig[^Q]|Shd|Cap|Groups|Uid|Gid|NoNew|Seccomp|Cpus_allowed_list)/.test(line),
      ),
    ]),
  };
}

const PYTHON = `import os, time, threading, mmap, sys
held = {i: str(i) * 9 for i in range(50000)}
threading.Thread(target=lambda: [time.sleep(0.01) for _ in iter(int, 1)], daemon=True).start()
shared = mmap.mmap(-1, 1 << 20)
os.set_inheritable(os.open('/etc/passwd', os.O_RDONLY), True)
print('ready', flush=True)
count = 0
while True:
    count += 1
    print(len(held), held[count], flush=True)
    time.sleep(0.02)
`;
const NODE = `console.log('ready');
let count = 0;
const kept = [];
const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));
setInterval(() => { kept.push(Buffer.alloc(5000, ++count)); console.log(count, fib(18), kept.at(-1)[7]); }, 20);
`;

describe('a restored process looks as before', () => {
  const programs: [string, string, string[]][] = [
    ['sleep', '/usr/bin/env', ['sh', '-c', 'echo ready; exec sleep 1000']],
    ['python', '/usr/bin/python3', ['-c', PYTHON]],
    ['node', process.execPath, ['-e', NODE]],
  ];
  it.runIf(maySetExe()).each(programs)('%s', async (name, file, args) => {
    const directory = join(scratch.path, name);
    mkdirSync(directory);
    const subject = await Subject.start(file, directory, args);
    subjects.push(subject);
    await subject.written(name === 'sleep' ? 0 : 200);
    const before = viewOf(subject.pid);
    const path = await subject.checkpoint();
    await subject.restore(path);
    expect(subject.errors()).toBe('');
    const written = subject.text().length;
    if (name !== 'sleep') await subject.written(written + 100);
    expect(viewOf(subject.pid)).toEqual(before);
    subject.signal('SIGTERM');
    expect(await subject.exit()).toBe('SIGTERM');
  });

  it('and again after ten times', async () => {
    const directory = join(scratch.path, 'again');
    mkdirSync(directory);
    writeFileSync(join(directory, 'program.py'), PYTHON);
    const subject = await Subject.start('/usr/bin/python3', directory, ['program.py']);
    subjects.push(subject);
    const before = viewOf(subject.pid);
    for (let time = 0; time < 10; time++) {
      const path = await subject.checkpoint();
      await subject.restore(path);
    }
    expect(viewOf(subject.pid)).toEqual(before);
    const counts = subject.text().match(/^50000 (\d+)$/gm) ?? [];
    // Nothing was lost, and nothing was done twice.
    expect(counts).toEqual(counts.map((_, index) => `50000 ${String(index + 1).repeat(9)}`));
    expect(counts.length).toBeGreaterThan(5);
  }, 120_000);
});
