/** Writing text for man(7): what of it roff would take for a request, an escape or a typographer's character stands as it is. */

/** As long as source lines may be, so that people can read them. */
const WIDTH = 78;

/** groff_char(7): in a man page these keys are to be the ones that are typed. */
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
};

/** Text that shows as it is, also where it begins a line. */
export function escaped(text: string): string {
  const odd = /[^ -~]/.exec(text);
  if (odd !== null) throw new Error(`the man page is ASCII, and this is not: ${text}`);
  const shown = text.replace(/[\\\-'`^~"]/g, (key) => ESCAPES[key] ?? key);
  return shown.startsWith('.') ? `\\&${shown}` : shown;
}

export const bold = (text: string): string => `\\fB${escaped(text)}\\fR`;

/** What users put something in the place of. */
export const italic = (text: string): string => `\\fI${escaped(text)}\\fR`;

/** Words that are names of options are bold, those in capitals that stand for something are not changed. */
export function paragraph(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').map(proseWord)) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function proseWord(word: string): string {
  const [, before = '', option, after = ''] = /^(\(?)(--?[a-zA-Z][a-z0-9-]*)(.*)$/.exec(word) ?? [];
  return option === undefined ? escaped(word) : `${escaped(before)}${bold(option)}${escaped(after)}`;
}

/** A title and what it means, which stands below or beside it. `title` is escaped already. */
export const item = (title: string, text: string): string[] => ['.TP', title, ...paragraph(text)];

export const section = (title: string, body: readonly string[]): string[] => [
  `.SH ${escaped(title)}`,
  // A section that begins with a paragraph needs no request for one.
  ...(body[0] === '.PP' ? body.slice(1) : body),
];
