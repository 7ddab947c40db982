/** `trace` in the options of the library: what is told of loading, to whom, and what is no function. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ForeignError, loadImage, planProgram, spawnForeign, type TraceEvent } from '../../src/index.ts';
import { SAMPLES } from '../support/run.ts';
import { keyPair, keys, sealFor } from '../support/sealed.ts';
import { stepsOf, type TracedEvent } from '../support/trace.ts';

const at = (name: string) => join(SAMPLES, name);

function listener() {
  const events: TraceEvent[] = [];
  return {
    events,
    trace: (event: TraceEvent) => void events.push(event),
    steps: () => stepsOf(events as readonly TracedEvent[]),
  };
}

const LOADING = ['open program', 'ask gzip', 'load gzip wrapper', 'ask elf', 'load elf image'];

test('loadImage tells of loading, and a start from it of nothing more', async () => {
  const { trace, steps, events } = listener();
  const image = await loadImage(at('gzip/tally-static.gz'), { trace });
  expect(steps()).toEqual(LOADING);
  for (const { at_ms, duration_ms } of events) expect(Math.min(at_ms, duration_ms)).toBeGreaterThanOrEqual(0);
  const child = await spawnForeign(image, [at('inputs/words.txt')]);
  expect((await child.result).exitCode).toBe(0);
  expect(steps()).toEqual(LOADING);
  image.close();
});

test('planProgram tells of the plan, too', async () => {
  const { trace, steps, events } = listener();
  using plan = await planProgram(at('gzip/tally-static.gz'), [], { trace });
  expect(steps()).toEqual([...LOADING, 'plan']);
  expect(events.at(-1)).toMatchObject({ steps: plan.steps.length });
});

test('spawnForeign tells what failed', async () => {
  const { trace, events } = listener();
  const error = await spawnForeign('./no-such-program', [], { trace }).catch((cause: ForeignError) => cause);
  expect(events).toMatchObject([{ event: 'open', failed: 'PROGRAM_NOT_FOUND' }]);
  expect(error).toMatchObject({ code: 'PROGRAM_NOT_FOUND' });
});

test('of a sealed program that is not to be confidential all is told; of one that is, nothing inside', async () => {
  const { secret, recipient } = await keyPair();
  const sealed = await sealFor(readFileSync(at('elf/x86_64/hello-static')), recipient);
  const secrets = keys([secret]);
  const open = listener();
  (await loadImage(sealed, { secrets, confidential: false, trace: open.trace })).close();
  expect(open.steps()).toEqual(['ask age', 'keys', 'load age wrapper', 'ask elf', 'load elf image']);
  const closed = listener();
  await expect(loadImage(sealed, { secrets, trace: closed.trace })).rejects.toMatchObject({
    code: 'UNSUPPORTED',
  });
  expect(JSON.stringify(closed.events)).not.toContain('x86_64');
});

test("what it throws rejects the call, and is nobody else's fault", async () => {
  const own = new Error('my own');
  const trace = () => {
    throw own;
  };
  await expect(loadImage('/bin/true', { trace })).rejects.toBe(own);
});

test('what is no function is a TypeError', async () => {
  const options = { trace: 'json' } as unknown as { trace: () => void };
  await expect(loadImage('/bin/true', options)).rejects.toThrow(TypeError);
});
