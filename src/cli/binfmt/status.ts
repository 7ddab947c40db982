/** `run-foreign binfmt status`: what the kernel has of ours, and what it will have after the next boot. */
import { existsSync } from 'node:fs';
import { printable } from '../../errors.ts';
import { write } from '../output.ts';
import { columns, jsonText } from '../text.ts';
import { type BootEntry, bootEntries } from './boot-files.ts';
import { shadowOf, takerOf } from './conflicts.ts';
import { type BinfmtContext, counted, isOurs } from './context.ts';
import type { OwnEntry } from './entry.ts';
import { allFormats, DEFAULT_FORMATS, type Format, formatsNamed } from './formats.ts';
import { ownInterpreter } from './interpreter.ts';
import { type KernelState, kernelState } from './kernel.ts';
import { relation } from './pattern.ts';
import { type FoundEntry, registerLine } from './register-line.ts';

const AT = 12;

interface EntryStatus {
  readonly name: string;
  readonly magic: string;
  readonly line: string;
  /** What the kernel has under this name. */
  readonly kernel: {
    readonly interpreter: string;
    readonly flags: string;
    readonly enabled: boolean;
    readonly ours: boolean;
    /** Whether it is what would be registered now. */
    readonly agrees: boolean;
    /** Whether what it starts is there. */
    readonly works: boolean;
  } | null;
  /** Whose entry takes its files, with what interpreter: in place of one that is not there, or before it. */
  readonly takenBy: { readonly name: string; readonly interpreter: string } | null;
  /** What the machine starts with. */
  readonly boot: { readonly file: string; readonly agrees: boolean } | null;
}

interface FormatStatus {
  readonly format: string;
  /** Whether it is registered when no format is named. */
  readonly byDefault: boolean;
  /** Why it cannot be registered, if so. */
  readonly why: string | null;
  readonly entries: readonly EntryStatus[];
}

export function status({ options, settings, names }: BinfmtContext): number {
  const interpreter = options.interpreter ?? ownInterpreter();
  const formats =
    names.length === 0 ? allFormats(settings, interpreter) : formatsNamed(names, settings, interpreter);
  const kernel = options.root === undefined ? kernelState() : { mounted: false, enabled: false, entries: [] };
  const boot = bootEntries(options.root ?? '/');
  const found = formats.map((format) => formatStatus(format, kernel, boot));
  const known = new Set(
    allFormats(settings, interpreter).flatMap(({ entries }) => entries.map(({ name }) => name)),
  );
  const left = [...kernel.entries, ...boot].filter((entry) => isOurs(entry) && !known.has(entry.name));
  const stray = [...new Set(left.map(({ name }) => name))];
  const { mounted, enabled } = kernel;
  const all = { mounted, enabled, interpreter, formats: found, stray };
  write(1, options.json ? jsonText(all) : statusText(all));
  return 0;
}

function formatStatus(
  { name, why, entries }: Format,
  kernel: KernelState,
  boot: readonly BootEntry[],
): FormatStatus {
  return {
    format: name,
    byDefault: DEFAULT_FORMATS.includes(name),
    why: why ?? null,
    entries: entries.map((entry) => entryStatus(entry, kernel, boot)),
  };
}

function entryStatus(entry: OwnEntry, { entries }: KernelState, boot: readonly BootEntry[]): EntryStatus {
  const found = entries.find(({ name }) => name === entry.name);
  const started = boot.findLast(({ name }) => name === entry.name);
  const others = entries.filter((each) => !isOurs(each));
  const taker = found === undefined || !found.enabled ? takerOf(entry, others) : shadowOf(found, others);
  return {
    name: entry.name,
    magic: entry.label,
    line: registerLine(entry),
    kernel:
      found === undefined
        ? null
        : {
            interpreter: found.interpreter,
            flags: found.flags,
            enabled: found.enabled,
            ours: isOurs(found),
            agrees: agrees(found, entry),
            works: existsSync(found.interpreter),
          },
    takenBy: taker === undefined ? null : { name: taker.name, interpreter: taker.interpreter },
    boot: started === undefined ? null : { file: started.file, agrees: agrees(started, entry) },
  };
}

function agrees(found: FoundEntry, entry: OwnEntry): boolean {
  const { pattern, interpreter, flags } = found;
  const same = pattern !== undefined && relation(pattern, entry.pattern) === 'the same';
  return same && interpreter === entry.interpreter && flags === entry.flags;
}

interface Status {
  readonly mounted: boolean;
  readonly enabled: boolean;
  readonly interpreter: string;
  readonly formats: readonly FormatStatus[];
  readonly stray: readonly string[];
}

function statusText({ mounted, enabled, interpreter, formats, stray }: Status): string {
  const state = mounted
    ? enabled
      ? 'mounted'
      : 'mounted, and switched off: no entry counts'
    : 'not mounted';
  const lines = [
    ...columns('binfmt_misc', state, 0, AT + 1),
    ...columns('interpreter', printable(interpreter), 0, AT + 1),
    '',
    ...formats.flatMap((format) =>
      sentences(format).flatMap((sentence, index) =>
        columns(index === 0 ? format.format : '', printable(sentence), 0, AT + 1),
      ),
    ),
    ...(stray.length === 0 ? [] : ['', `of ours, and of no format: ${printable(stray.join(', '))}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function sentences({ why, entries }: FormatStatus): string[] {
  if (why !== null) return [`cannot be registered: ${why}`];
  const registered = entries.filter(({ kernel }) => kernel !== null);
  const off = registered.filter(({ kernel }) => kernel?.enabled === false).length;
  const head =
    registered.length === 0
      ? 'not registered'
      : `registered, ${registered.length} of ${counted(entries.length, 'magic')}${off === 0 ? '' : `, ${off} of them switched off`}`;
  return [
    head,
    ...unique(registered, ({ kernel }) => {
      if (kernel === null || kernel.agrees) return undefined;
      if (!kernel.ours) return `by somebody else, for ${kernel.interpreter}, flags ${kernel.flags}`;
      const gone = kernel.works ? '' : ', which is not there';
      return `otherwise than now, for ${kernel.interpreter}${gone}, flags ${kernel.flags}: register it again`;
    }),
    ...unique(registered, ({ kernel }) => (kernel?.agrees === true ? `flags ${kernel.flags}` : undefined)),
    ...unique(
      entries,
      ({ takenBy }) => takenBy && `its files go to ${takenBy.name} (${takenBy.interpreter})`,
    ),
    ...unique(
      entries,
      ({ boot }) =>
        boot && `next boot: ${boot.file}${boot.agrees ? '' : ', which has it otherwise: register it again'}`,
    ),
    ...(registered.length > 0 && entries.every(({ boot }) => boot === null)
      ? ['next boot: no file has it']
      : []),
  ];
}

/** Each sentence once, though several magics have it. */
function unique(
  entries: readonly EntryStatus[],
  sentence: (entry: EntryStatus) => string | null | undefined,
): string[] {
  return [...new Set(entries.map(sentence).filter((each) => each !== undefined && each !== null))];
}
