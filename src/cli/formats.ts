/** `run-foreign formats`: the loaders, and what they recognise their files by. */
import { printable } from '../errors.ts';
import type { LoaderPlugin, Magic } from '../loader/contract.ts';
import { checkGivenOptions, type OptionSpec } from '../loader/options.ts';
import { loaderSettings } from './loaders.ts';
import type { ParsedArguments } from './options.ts';
import { write } from './output.ts';
import { columns, jsonText } from './text.ts';
import { usageError } from './usage-error.ts';

const AT = 10;
/** More are not shown one by one. */
const MOST_MAGICS = 12;

export async function formats(
  { options, rest }: ParsedArguments,
  envp: readonly Uint8Array[],
): Promise<number> {
  if (rest.length > 0) throw usageError('formats takes no arguments', 'see run-foreign formats --help');
  const { loaders, loaderOptions = [], files } = await loaderSettings(options, envp);
  checkGivenOptions(loaderOptions, loaders);
  const text = options.json
    ? jsonText(loaders.map((loader) => jsonShape(loader, files.get(loader))))
    : formatsText(loaders, files);
  write(1, text);
  return 0;
}

function formatsText(loaders: readonly LoaderPlugin[], files: ReadonlyMap<LoaderPlugin, string>): string {
  const blocks = loaders.map((loader) => {
    const { name, description, kind, magics, options = {} } = loader;
    const what = kind === 'wrapper' ? `${description} (a wrapper)` : description;
    const file = files.get(loader);
    const facts = [
      ...magicLines(magics),
      ...Object.entries(options).map(([key, spec]) => optionText(name, key, spec)),
      ...(file === undefined ? [] : [`from ${file}`]),
    ];
    return [
      ...columns(name, printable(what), 0, AT),
      ...facts.flatMap((fact) => columns('', printable(fact), 0, AT)),
    ];
  });
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function optionText(name: string, key: string, { type, help }: OptionSpec): string {
  return `--loader-opt ${name}.${key}${valueText(type)}: ${help}`;
}

function valueText(type: OptionSpec['type']): string {
  if (type === 'flag') return '';
  return `=${typeof type === 'string' ? type.toUpperCase() : type.join('|')}`;
}

/** Of many that differ in numbers only, names say more. */
function magicLines(magics: readonly Magic[]): string[] {
  if (magics.length <= MOST_MAGICS) return magics.map(magicText);
  return [`${magics.length} beginnings, which --json shows: ${magics.map(({ name }) => name).join(', ')}`];
}

function magicText(magic: Magic): string {
  const mask = magic.mask === undefined ? '' : ` under the mask ${hexBytes(magic.mask)}`;
  return `${hexBytes(magic.bytes)} at ${magic.offset}${mask}: ${magic.name}`;
}

function jsonShape(
  { name, kind, description, magics, options = {} }: LoaderPlugin,
  file: string | undefined,
) {
  return {
    name,
    kind,
    description,
    magics: magics.map((magic) => ({
      name: magic.name,
      offset: magic.offset,
      bytes: Buffer.from(magic.bytes).toString('hex'),
      ...(magic.mask && { mask: Buffer.from(magic.mask).toString('hex') }),
    })),
    options: Object.entries(options).map(([key, { type, help }]) => ({ key, type, help })),
    // null for those that come with us.
    file: file ?? null,
  };
}

function hexBytes(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
