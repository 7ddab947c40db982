/** The files of a new loader's package, from those in package/, which the build puts beside the command. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What stands in the template, and what takes its place. */
export interface Blanks {
  readonly __NAME__: string;
  readonly __MAGIC__: string;
  readonly __PACKAGE__: string;
  readonly __VERSION__: string;
  readonly __RUN_FOREIGN__: string;
}

export interface TemplateFile {
  /** Below the package's directory. */
  readonly path: string;
  readonly text: string;
}

/** What npm, and those who check packages, would take for a part of ours under its own name. */
const RENAMED: Readonly<Record<string, string>> = { gitignore: '.gitignore', 'npm.json': 'package.json' };

export function filledTemplate(directory: string, blanks: Blanks): TemplateFile[] {
  const fill = (text: string) =>
    text.replace(/__[A-Z_]+__/g, (blank) => blanks[blank as keyof Blanks] ?? blank);
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(directory, path)).isFile())
    .sort()
    .map((path) => ({
      path: fill(RENAMED[path] ?? path),
      text: fill(readFileSync(join(directory, path), 'utf8')),
    }));
}
