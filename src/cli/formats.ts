/** `run-foreign formats`: the loaders, and what they recognise their files by. */
import type { LoaderPlugin, Magic } from '../loader/contract.ts';
import { loaderSettings } from './loaders.ts';
import type { ParsedArguments } from './options.ts';
import { usageError } from './options.ts';
import { write } from './output.ts';
import { columns, jsonText } from './text.ts';

const AT = 10;
/** More are not shown one by one. */
const MOST_MAGICS = 12;

export async function formats(
  { options, rest }: ParsedArguments,
  envp: readonly Uint8Array[],
): Promise<number> {
  if (rest.length > 0) throw usageError('formats takes no arguments', 'see run-foreign formats --help');
  const { loaders } = await loaderSettings(options, envp);
  write(1, options.json ? jsonText(loaders.map(jsonShape)) : formatsText(loaders));
  return 0;
}

function formatsText(loaders: readonly LoaderPlugin[]): string {
  const blocks = loaders.map(({ name, description, kind, magics }) => {
    const what = kind === 'wrapper' ? `${description} (a wrapper)` : description;
    return [...columns(name, what, 0, AT), ...magicLines(magics).flatMap((line) => columns('', line, 0, AT))];
  });
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
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

function jsonShape({ name, kind, description, magics }: LoaderPlugin) {
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
  };
}

function hexBytes(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
