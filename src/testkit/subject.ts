/** The loader under test with all that its calls need: options, keys, a time limit, the loaders beside it. */
import { builtinLoaders } from '../../loaders/index.ts';
import { ForeignError } from '../errors.ts';
import type { LoaderPlugin, Secrets } from '../loader/contract.ts';
import { type GivenOption, valuesFor } from '../loader/options.ts';
import type { Guests } from '../loader/walk.ts';
import type { LoaderCases, Sample } from './cases.ts';
import { describedLimit } from './hang.ts';
import { sampleBytes } from './samples.ts';

export class Subject {
  readonly loader: LoaderPlugin;
  readonly given: readonly GivenOption[];
  /** It first, then the built-in ones, but for one whose name it takes. */
  readonly loaders: readonly LoaderPlugin[];
  readonly secrets: Secrets;
  /** What it is looking at, for whoever finds that it hangs. */
  file = '';

  constructor(loader: LoaderPlugin, { options = {}, identities = [] }: LoaderCases) {
    this.loader = loader;
    this.given = Object.entries(options).map(([key, value]) => ({ loader: loader.name, key, value }));
    this.loaders = [loader, ...builtinLoaders.filter(({ name }) => name !== loader.name)];
    this.secrets = secretsOf(identities);
  }

  get isLast(): boolean {
    return this.loader.order === 'post';
  }

  /** What probe and load get of the options. Throws USAGE. */
  get options() {
    return valuesFor(this.loader, this.given);
  }

  readonly limit = describedLimit(() => this.file);

  /** Its failures are not passed over, as they are for users. */
  get guests(): Guests {
    return {
      loaders: new Set([this.loader]),
      limit: this.limit,
      onFailure: (failure) => {
        throw failure;
      },
    };
  }
}

/** Each time of bytes of their own, which a loader may overwrite. */
function secretsOf(identities: readonly Sample[]): Secrets {
  return {
    identities: () =>
      Promise.all(
        identities.map(async (sample, index) => ({
          name: `identity ${index + 1}`,
          bytes: Uint8Array.from(await sampleBytes(sample)),
        })),
      ),
    passphrase: (purpose) =>
      Promise.reject(new ForeignError('KEY_NEEDED', `there is nobody to ask for the passphrase ${purpose}`)),
  };
}
