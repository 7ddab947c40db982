/** docs/checkpoint-format.md specifies what is written: every note and every field. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DIGEST, DIGEST_NOTE_SIZE, PT } from '../../loaders/core/elf-core.ts';
import { NOTES } from '../../loaders/core/state-schema.ts';
import { VM_FLAGS } from '../../src/image/process-state.ts';
import { randomProcess } from '../support/process-state.ts';
import { Random } from '../support/random.ts';

const page = readFileSync(new URL('../../docs/checkpoint-format.md', import.meta.url), 'utf8');
const { state } = randomProcess(new Random(1));
const hex = (value: number) => `0x${value.toString(16)}`;

/** Names of fields, wherever they stand, and words that say of which kind something is. */
function wordsOf(json: unknown): string[] {
  if (Array.isArray(json)) return json.flatMap(wordsOf);
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([name, value]) => [
    name,
    ...(name === 'kind' && typeof value === 'string' ? [value] : []),
    ...wordsOf(value),
  ]);
}

test.each(Object.entries(NOTES))('the note %s', (_, { type, schema }) => {
  expect(page).toContain(`**${hex(type)}: `);
  const json = (schema as { toJson(value: unknown): unknown }).toJson(state);
  for (const word of new Set(wordsOf(json).filter((each) => each !== 'hex')))
    expect(page, word).toMatch(new RegExp(`\`"?${word}"?\``));
});

test('the kinds of headers, the digest, the flags of mappings', () => {
  expect(page).toContain(hex(PT.OBJECT));
  expect(page).toContain(hex(DIGEST.type));
  expect(page).toContain(`last ${DIGEST_NOTE_SIZE} bytes`);
  for (const flag of VM_FLAGS) expect(page).toContain(`\`${flag}\``);
});
