/** `run-foreign binfmt print`: what would be written, for those who put it where it belongs themselves. */
import { write } from '../output.ts';
import { debianText, systemdText } from './boot-files.ts';
import { type BinfmtContext, warn } from './context.ts';
import { DEFAULT_FORMATS, formatsNamed } from './formats.ts';
import { checkedPath, ownInterpreter } from './interpreter.ts';

/** Changes nothing; 1 where something that was asked for cannot be registered. */
export function print({ options, settings, names }: BinfmtContext): number {
  const interpreter = options.interpreter === undefined ? ownInterpreter() : checkedPath(options.interpreter);
  const formats = formatsNamed(names.length === 0 ? DEFAULT_FORMATS : names, settings, interpreter);
  const entries = formats.flatMap((format) => format.entries);
  for (const { name, why } of formats) if (why !== undefined) warn(`${name} cannot be registered: ${why}`);
  for (const { format, label, why } of formats.flatMap(({ why, refused }) =>
    why === undefined ? refused : [],
  ))
    warn(`${format}, ${label} cannot be registered: ${why}`);
  if (entries.length > 0)
    write(1, options.style === 'debian' ? entries.map(debianText).join('\n') : systemdText(entries));
  return formats.some(({ why, refused }) => why !== undefined || refused.length > 0) ? 1 : 0;
}
