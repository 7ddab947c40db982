/**
 * Writes docs/library.md: what the library exports, from the doc comments that the build puts into dist/types; and
 * docs/errors.md: what `run-foreign explain` says; and docs/check.md: what `run-foreign check` tries.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHECKS } from '../cli/checks/index.ts';
import { EXPLANATIONS } from '../cli/explanations/index.ts';
import { STATUS_MEANINGS } from '../cli/help.ts';
import { ERROR_CODES, type ErrorCode, exitStatus } from '../errors.ts';

const TYPES = 'dist/types/src';

const HEAD = `# The library

This page is written by \`npm run docs\`, from the comments in the sources.

\`\`\`js
import { spawnForeign } from 'run-foreign'; // ES modules
const { spawnForeign } = require('run-foreign'); // CommonJS
\`\`\`

Everything is typed. Errors that are the program's or the machine's are \`ForeignError\`s with a \`code\`; what is wrong with
arguments is a TypeError, as in Node. The library changes nothing in its process: no signal handlers, no directory, no
variables. It works in worker threads. [security.md](security.md#the-library) says what becomes of confidential programs.
`;

/** In the order in which they are explained. Every export is in one of them. */
const CHAPTERS: Readonly<Record<string, readonly string[]>> = {
  'Starting programs': [
    'spawnForeign',
    'ForeignProgram',
    'ProgramLocation',
    'SpawnForeignOptions',
    'ForeignStdio',
  ],
  'How a program is loaded': [
    'LoadOptions',
    'ForeignNetwork',
    'LoaderOptionValue',
    'Secrets',
    'Trace',
    'TraceEvent',
    'TraceEventName',
  ],
  'How it ended': [
    'ForeignChild',
    'WithResult',
    'ResultWishes',
    'ForeignResult',
    'ForeignProcessError',
    'OutputOf',
    'ResultOf',
  ],
  'Loading once': ['loadImage', 'LoadedImage', 'ProgramImage', 'Segment'],
  'Becoming a program': ['execForeign'],
  Plans: ['planProgram', 'ForeignPlan', 'Plan', 'Step'],
  Errors: ['ForeignError', 'ErrorCode', 'FormatError', 'FormatLocation'],
  'The pieces': [
    'builtinLoaders',
    'defineLoader',
    'LoaderPlugin',
    'loadProgram',
    'prepareProgram',
    'ProgramRequest',
    'LoadedProgram',
    'PreparedProgram',
    'startPlan',
    'StartListeners',
    'emitStub',
    'memorySource',
    'Source',
  ],
};

/** The page, from what lies in dist/. Throws for an export that is in no chapter or has no comment. */
export function libraryPage(root: string): string {
  const files = exportedFrom(join(root, TYPES, 'index.d.ts'));
  const chapters = Object.entries(CHAPTERS).map(([title, names]) => {
    const entries = names.map((name) => {
      const file = files.get(name);
      if (file === undefined) throw new Error(`docs/library.md has ${name}, which is not exported`);
      files.delete(name);
      return entry(name, readFileSync(file, 'utf8'));
    });
    return `## ${title}\n\n${entries.join('\n')}`;
  });
  if (files.size > 0) throw new Error(`no chapter of docs/library.md has ${[...files.keys()].join(', ')}`);
  return [HEAD, ...chapters].join('\n');
}

/** The file that declares each name. */
function exportedFrom(index: string): Map<string, string> {
  const exports = readFileSync(index, 'utf8').matchAll(/export (?:type )?\{([^}]*)\} from '([^']*)'/g);
  return new Map(
    [...exports].flatMap(([, names = '', path = '']) => {
      const file = join(dirname(index), path.replace(/\.ts$/, '.d.ts'));
      const all = names.split(',').map((name) => name.trim().replace(/^type /, ''));
      return all.filter((name) => name !== '').map((name) => [name, file] as const);
    }),
  );
}

function entry(name: string, text: string): string {
  const pattern = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\n)?export (?:declare )?(?:function|class|interface|type|const) ${name}\\b[\\s\\S]*?(?:;|^\\})\n(?![ }])`,
    'm',
  );
  const [found, comment] = pattern.exec(text) ?? [];
  if (found === undefined || comment === undefined)
    throw new Error(`${name} has no comment, or none was found`);
  const declaration = found
    .slice(comment.length)
    .replace(/^export (declare )?/, '')
    .trimEnd();
  const heading = `### ${name}\n\n`;
  const body = /^((?:interface|class)[^\n]*)\{\n([\s\S]*)\}$/.exec(declaration);
  if (body === null) {
    // What has so many forms is read in an editor.
    const short =
      declaration.split('\n').length > LONGEST ? `${declaration.split('=')[0]?.trim()};` : declaration;
    return `${heading}${code(short)}\n${prose(comment)}\n`;
  }
  const [, head = '', members = ''] = body;
  const list = membersOf(members);
  return `${heading}${code(head.trim())}\n${prose(comment)}\n${list === '' ? '' : `\n${list}\n`}`;
}

/** Lines of a declaration. */
const LONGEST = 30;

const MEMBER =
  /( {4}\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?((?: {4}(?! |\/\*\*).*\n(?: {5,}.*\n)*(?: {4}\}.*\n)?))/g;

function membersOf(text: string): string {
  return [...text.matchAll(MEMBER)]
    .filter(
      ([, comment = '', member = '']) => !/^\s*(?:#|private )/.test(member) && !comment.includes('@internal'),
    )
    .map(([, comment = '', member = '']) => {
      const flat = member
        .trim()
        .replace(/\s+/g, ' ')
        .replace(/;$/, '')
        .replace(/^readonly /, '')
        .replace(/^(\w+\?: .*) \| undefined$/, '$1');
      const what = prose(comment).replace(/\n+/g, ' ');
      return `- \`${flat}\`${what === '' ? '' : `: ${what}`}`;
    })
    .join('\n');
}

function code(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\`\n`;
}

/** The text of a comment. */
function prose(comment: string): string {
  return comment
    .replace(/^\s*\/\*\*\s?|\s*\*\/\s*$/g, '')
    .replace(/^\s*\* ?/gm, '')
    .trim();
}

const ERRORS_HEAD = `# Errors

This page is written by \`npm run docs\`, from what \`run-foreign explain\` says.

Every error is one line on standard error, \`run-foreign: PROGRAM: what is wrong; what to do\`, and has a code, which is stable; the
messages are for people, and are not. \`--verbose\` (RUN_FOREIGN_VERBOSE) names the code in a second line. The library throws
\`ForeignError\`s with it in \`code\`. \`run-foreign explain CODE\` says what stands here, \`run-foreign explain STATUS\` which codes end with
an exit status; \`--json\` is for machines.

When the program has been jumped to, there is no error of ours any more: its exit status is its own. What only the stub can
meet, on the last steps before that, it says itself in one line without a code.

In the examples, \`...\` stands for what is different every time, and \`samples/\` is that of the package.
`;

/** The page about errors. */
export function errorsPage(): string {
  const statuses = [...STATUS_MEANINGS].map(([status, meaning]) => {
    const codes = ERROR_CODES.filter((code) => exitStatus(code) === status);
    return `| ${status} | ${meaning} | ${codes.map((code) => `[${code}](#${code.toLowerCase()})`).join(', ')} |`;
  });
  const table = ['| status | | codes |', '| --- | --- | --- |', ...statuses].join('\n');
  return `${ERRORS_HEAD}\n${table}\n\n${ERROR_CODES.map(errorSection).join('\n')}`;
}

function errorSection(code: ErrorCode): string {
  const { summary, meaning, causes, example, reading } = EXPLANATIONS[code];
  const session = [...(example.prepare ?? []), example.command].map((each) => `$ ${each}\n`).join('');
  const list = causes.map(({ when, remedy, command }) => {
    const shown = command === undefined ? '.' : `:\n  \`${command}\``;
    return `- **${upperFirst(when)}**: ${remedy}${shown}`;
  });
  const pages = reading.map((page) => `[${page}](${page})`).join(', ');
  return `## ${code}

${upperFirst(summary)}. Exit status ${exitStatus(code)}. ${meaning}

${list.join('\n')}

\`\`\`console
${session}${example.message}
\`\`\`

Read on: ${pages}.
`;
}

const CHECK_HEAD = `# What a machine allows

This page is written by \`npm run docs\`, from the list that \`run-foreign check\` goes through.

\`run-foreign check\` tries what this machine allows, in processes of its own, and changes nothing. Each no comes with what is lost, and with the
command that makes a yes of it; \`sudo\` stands before those that take root, and where no command helps, it says so. The exit status is 0 when programs can
be run, and 1 when something that is required is missing.

With ids, only these are tried, and the exit status is 0 if all of them are yes:

\`\`\`sh
run-foreign check map-zero && run-foreign samples/aout/hello-omagic
\`\`\`

\`--json\` writes \`{ ok, checks }\`. Each check has \`id\`, \`title\`, \`ok\`, \`required\`, \`neededFor\` (commands and formats), \`found\` (what was
seen), and if it is a no, \`advice\` and, where there is one, \`fix\`: a shell command. The ids stay; there may be more in later versions.

| id | what is tried | wanted by |
| --- | --- | --- |
`;

/** The page about checks. */
export function checkPage(): string {
  const rows = Object.entries(CHECKS).map(
    ([id, { tries, neededFor }]) => `| \`${id}\` | ${tries} | ${neededFor.join(', ')} |\n`,
  );
  return `${CHECK_HEAD}${rows.join('')}
\`memfd-exec\` is required, and \`pr-set-mm-map\` where \`pr-set-mm-fields\` does not replace it.
`;
}

const upperFirst = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  writeFileSync(join(root, 'docs/library.md'), libraryPage(root));
  writeFileSync(join(root, 'docs/errors.md'), errorsPage());
  writeFileSync(join(root, 'docs/check.md'), checkPage());
}
