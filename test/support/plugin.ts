/** Loaders for tests of how they are chosen and called. */
import { defineLoader, type LoaderPlugin, type Verdict } from '../../src/loader/contract.ts';
import { testImage } from './images.ts';

/** Answers `verdict`, and makes an image whose format has its name. */
export function plugin(name: string, verdict: Verdict, changes: Partial<LoaderPlugin> = {}): LoaderPlugin {
  return defineLoader({
    name,
    apiVersion: 1,
    kind: 'program',
    description: 'made by a test',
    magics: [],
    probe: () => verdict,
    load: () => ({ kind: 'image', image: testImage({ format: name }) }),
    ...changes,
  });
}
