/** `run-foreign check` where settings of the whole kernel stand against it: the command it names for each makes a yes of the no. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CheckDocument } from '../support/checks.ts';
import { temporary } from '../support/run.ts';
import { kernels } from './boot.ts';
import { buildMovingGuest, MOVED, runMovingGuest } from './moves.ts';

const directory = temporary();
afterAll(directory.remove);
const newest = kernels().at(-1) ?? '';
const LIMIT = 200_000;

/** What is set before a question is asked, by a user without privileges. */
const SETTINGS = {
  ptrace: 'kernel.yama.ptrace_scope=1',
  'map-zero': 'vm.mmap_min_addr=65536',
  'lowest-mm-field': 'vm.mmap_min_addr=131072',
  aslr: 'kernel.randomize_va_space=0',
} as const;

const FIXES = {
  ptrace: 'sudo sysctl -w kernel.yama.ptrace_scope=0',
  'map-zero': 'sudo sysctl -w vm.mmap_min_addr=0',
  'lowest-mm-field': 'sudo sysctl -w vm.mmap_min_addr=65536',
  aslr: 'sudo sysctl -w kernel.randomize_va_space=2',
} as const;

type Id = keyof typeof SETTINGS;
const ids = Object.keys(SETTINGS) as Id[];

const ASK = `${MOVED}/setpriv --reuid=65534 --regid=65534 --clear-groups run-foreign check --json`;
/** Root gives the command that the user is told to give. */
const script = ids
  .map(
    (id) => `sysctl -w ${SETTINGS[id]} > /dev/null
${ASK} ${id} > /tmp/before; echo "before ${id}"; cat /tmp/before
fix=$(sed -n 's/^ *"fix": "sudo \\(.*\\)"$/\\1/p' /tmp/before)
$fix > /dev/null; echo "after ${id}"; ${ASK} ${id}`,
  )
  .join('\n');

let text = '';
beforeAll(async () => {
  const initrd = join(directory.path, 'initrd');
  buildMovingGuest(initrd, `${script}\necho the end`, ['/usr/bin/setpriv']);
  text = await runMovingGuest(newest, initrd, 'max');
}, LIMIT);

/** What was answered behind a heading. */
function answer(heading: string): CheckDocument {
  const [, json = ''] = new RegExp(`^${heading}\\r?\\n(\\{[\\s\\S]*?^\\})`, 'm').exec(text) ?? [];
  if (json === '') throw new Error(`no answer ${heading}: ${text.slice(0, 3000)}`);
  return JSON.parse(json) as CheckDocument;
}

test.each(ids)('%s', (id) => {
  const [before, after] = [answer(`before ${id}`), answer(`after ${id}`)];
  expect(before).toMatchObject({ ok: false, checks: [{ id, ok: false, fix: FIXES[id] }] });
  expect(after).toMatchObject({ ok: true, checks: [{ id, ok: true }] });
});
