/** `run-foreign formats`: the loaders, and what they recognise their files by. */
import { builtinLoaders } from '../../loaders/index.ts';
import type { Magic } from '../loader/contract.ts';
import type { ParsedArguments } from './options.ts';
import { usageError } from './options.ts';
import { write } from './output.ts';
import { columns, jsonText } from './text.ts';

const AT = 10;

export async function formats({ options, rest }: ParsedArguments): Promise<number> {
  if (rest.length > 0) throw usageError('formats takes no arguments', 'see run-foreign formats --help');
  write(1, options.json ? jsonText(builtinLoaders.map(jsonShape)) : formatsText());
  return 0;
}

function formatsText(): string {
  const blocks = builtinLoaders.map(({ name, description, kind, magics }) => {
    const what = kind === 'wrapper' ? `${description} (a wrapper)` : description;
    return [
      ...columns(name, what, 0, AT),
      ...magics.flatMap((magic) => columns('', magicText(magic), 0, AT)),
    ];
  });
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function magicText(magic: Magic): string {
  const mask = magic.mask === undefined ? '' : ` under the mask ${hexBytes(magic.mask)}`;
  return `${hexBytes(magic.bytes)} at ${magic.offset}${mask}: ${magic.name}`;
}

function jsonShape({ name, kind, description, magics }: (typeof builtinLoaders)[number]) {
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
