/** A loader from elsewhere, looked at before it is asked anything: what it is not, is said of the file it came from. */
import { API_VERSION, type LoaderPlugin, type Magic } from '../loader/contract.ts';
import type { OptionSpec, OptionSpecs } from '../loader/options.ts';
import { Nonsense, Value } from '../loader/value.ts';

/** The names of loaders and of their options. */
const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/** For people. */
export const LOADER_NAME = 'up to 64 lower-case letters, digits and -, a letter first';

/** What `--format` takes. */
export const isLoaderName = (text: string): boolean => NAME.test(text);

const TYPES = ['text', 'integer', 'flag'] as const;
const MAX_MAGIC_OFFSET = 2 ** 20;

/** The loader that a module exports. Throws Nonsense. */
export const checkLoader = (exported: unknown): LoaderPlugin => readLoader(loaderIn(exported));

/** A copy of a loader, so that nothing of it changes after it was looked at. Throws Nonsense. */
export function readLoader(value: Value): LoaderPlugin {
  const version = value.at('apiVersion');
  if (version.number() !== API_VERSION) {
    const what = `is ${version.number()}, and this run-foreign knows version ${API_VERSION} of the contract`;
    throw new Nonsense(version, what);
  }
  value.at('probe').asFunction();
  value.at('load').asFunction();
  const order = value.at('order').maybe((each) => each.oneOf(['post']));
  const options = value.at('options').maybe(readOptions);
  const symbols = value.at('symbols').maybe((each) => each.asFunction());
  const made = value.object() as unknown as LoaderPlugin;
  return {
    name: nameOf(value.at('name')),
    apiVersion: API_VERSION,
    kind: value.at('kind').oneOf(['program', 'wrapper']),
    description: value.at('description').text(),
    magics: value.at('magics').list(readMagic),
    ...(order && { order }),
    ...(options && { options }),
    probe: (source, context) => made.probe(source, context),
    load: (source, context) => made.load(source, context),
    ...(symbols && { symbols: (source, context) => made.symbols?.(source, context) ?? [] }),
  };
}

/** What a module exports as its one thing, as `export default` or `module.exports`. Throws Nonsense. */
export function defaultExport(exported: unknown): Value {
  const value = new Value(exported, '');
  // Of a module that was CommonJS once, and then again one that was an ES module before that.
  const outer = value.isObject() ? value.at('default') : value;
  const inner = outer.isObject() ? outer.at('default') : outer;
  const found = [inner, outer, value].find((each) => each.isObject());
  return new Value(found?.object(), '');
}

function loaderIn(exported: unknown): Value {
  const value = defaultExport(exported);
  if (value.isObject() && value.at('apiVersion').isNumber()) return value;
  throw new Nonsense(value, 'exports no loader: export one as the default (its apiVersion is a number)');
}

function nameOf(value: Value): string {
  const name = value.text();
  if (isLoaderName(name)) return name;
  throw new Nonsense(value, `is no name: ${LOADER_NAME}`);
}

function readMagic(value: Value): Magic {
  const bytes = value.at('bytes').bytes();
  const mask = value.at('mask').maybe((each) => each.bytes());
  const offset = value.at('offset').below(MAX_MAGIC_OFFSET);
  if (bytes.length === 0) throw new Nonsense(value.at('bytes'), 'is empty');
  if (mask !== undefined && mask.length !== bytes.length)
    throw new Nonsense(value.at('mask'), 'is not as long as the bytes');
  return { offset, bytes, ...(mask && { mask }), name: value.at('name').text() };
}

function readOptions(value: Value): OptionSpecs {
  return Object.fromEntries(
    Object.keys(value.object()).map((key) => {
      if (!NAME.test(key)) throw new Nonsense(value.at(key), 'has a key that is no name');
      return [key, readOption(value.at(key))];
    }),
  );
}

function readOption(value: Value): OptionSpec {
  const type = value.at('type');
  return {
    type: type.isArray() ? type.list((each) => each.text()) : type.oneOf(TYPES),
    help: value.at('help').text(),
  };
}
