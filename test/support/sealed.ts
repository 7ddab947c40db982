/** Sealed files and the keys to them, and the loader of age files at work. */
import { age } from '../../loaders/age/index.ts';
import { ForeignError } from '../../src/errors.ts';
import type { LoadContext, Secrets } from '../../src/loader/contract.ts';
import type { Source } from '../../src/source/source.ts';
import { contextOf } from './resolve.ts';

/** Keys in one file, and what is typed when a passphrase is asked for: each once, then the last for ever. */
export function keys(identities: readonly string[], passphrases: readonly string[] = []): Secrets {
  let asked = 0;
  return {
    async identities() {
      if (identities.length === 0) return [];
      return [{ name: 'key.txt', bytes: Buffer.from(`${identities.join('\n')}\n`) }];
    },
    async passphrase() {
      const passphrase = passphrases[Math.min(asked++, passphrases.length - 1)];
      if (passphrase === undefined) throw new ForeignError('KEY_NEEDED', 'nobody is there');
      return Buffer.from(passphrase);
    },
  };
}

/** What is inside a sealed file. */
export async function openSealed(
  source: Source,
  secrets: Secrets,
  context: Partial<LoadContext> = {},
): Promise<Source> {
  const loaded = await age.load(source, { ...contextOf({}), secrets, ...context });
  if (loaded.kind !== 'unwrap') throw new Error(`it is ${loaded.kind}`);
  return loaded.source;
}
