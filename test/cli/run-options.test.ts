/** A variable that stands in for an option of a start takes the start off the plain path, which would not see it. */
import { expect, test } from 'vitest';
import { RUN_TOPIC } from '../../src/cli/help.ts';
import { twinName } from '../../src/cli/option-specs.ts';
import { hasTwins } from '../../src/cli/run-options.ts';

/** A start with it is not kept, whether the plain path sees it or not. */
const UNSEEN = 'RUN_FOREIGN_NO_CACHE';

const variables = RUN_TOPIC.options.flatMap((name) => twinName(name) ?? []).filter((name) => name !== UNSEEN);

test.each(variables)('%s', (name) => {
  expect(hasTwins([Buffer.from('PATH=/bin'), Buffer.from(`${name}=x`)])).toBe(true);
  expect(hasTwins([Buffer.from('PATH=/bin'), Buffer.from(`X${name}=x`)])).toBe(false);
});
