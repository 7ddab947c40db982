/** Reading samples: those of the plugin author, and those that come with run-foreign. */
import { existsSync, readFileSync } from 'node:fs';
import type { Sample } from './cases.ts';

/** Throws what node:fs does, and what a function that makes bytes does. */
export async function sampleBytes(sample: Sample): Promise<Uint8Array> {
  if (sample instanceof Uint8Array) return sample;
  if (typeof sample === 'function') return sample();
  return readFileSync(sample);
}

export interface OwnSample {
  /** Its path below samples/. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** From the sources, and from dist/. */
const DIRECTORY = ['../../samples/', '../samples/']
  .map((path) => new URL(path, import.meta.url))
  .find((directory) => existsSync(new URL('samples.json', directory)));

export function ownSample(name: string): OwnSample {
  if (DIRECTORY === undefined)
    throw new Error('the samples of run-foreign are missing: install the whole package');
  return { name, bytes: readFileSync(new URL(name, DIRECTORY)) };
}

/** The samples of all the built-in formats. */
export function ownSamples(): OwnSample[] {
  const list = JSON.parse(Buffer.from(ownSample('samples.json').bytes).toString()) as { file: string }[];
  return list.map(({ file }) => ownSample(file));
}
