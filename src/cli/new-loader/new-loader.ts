/** `run-foreign new-loader`: a package with a loader that works, for somebody to make their own of it. */
import { dirname, join } from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import { ForeignError, printable } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import { shortUsage, TOPICS } from '../help.ts';
import type { ParsedArguments } from '../options.ts';
import { write } from '../output.ts';
import { self } from '../self.ts';
import { usageError } from '../usage-error.ts';
import { type NewName, newName } from './names.ts';
import { ownSpecifier } from './own-package.ts';
import { filledTemplate } from './template.ts';
import { writeDirectory } from './write-directory.ts';

const MAGIC_SIZE = 8;

export async function newLoader({ rest }: ParsedArguments): Promise<number> {
  const [given, target] = rest;
  if (given === undefined) {
    write(2, shortUsage(TOPICS['new-loader']));
    return 2;
  }
  if (rest.length > 2)
    throw usageError('new-loader takes one NAME and one DIRECTORY', 'see run-foreign new-loader --help');
  const names = newName(Buffer.from(given).toString());
  const directory = target ?? Buffer.from(names.directory);
  const command = self();
  if (command === undefined) throw new ForeignError('INTERNAL', 'it is not known where run-foreign lies');
  const root = dirname(dirname(command));
  const specifier = ownSpecifier(root, packageJson.version);
  const files = filledTemplate(join(dirname(command), 'new-loader'), {
    __NAME__: names.name,
    __MAGIC__: names.name.toUpperCase().slice(0, MAGIC_SIZE),
    __PACKAGE__: names.packageName,
    __VERSION__: packageJson.version,
    __RUN_FOREIGN__: specifier,
  });
  writeDirectory(Buffer.from(directory), files);
  write(1, nextSteps(names, printable(Buffer.from(directory).toString()), specifier, root));
  return 0;
}

function nextSteps({ name }: NewName, directory: string, specifier: string, root: string): string {
  const own = specifier.startsWith('file:')
    ? `Its package.json takes run-foreign from ${specifier.slice('file:'.length)}.\n`
    : '';
  return `${directory} holds a loader for the ${name} format. To try it:

  cd ${shellWord(directory.replace(/^-/, './-'))}
  npm install
  npm test
  npm run samples
  npx run-foreign --loader ./src/index.ts samples/hello.${name}

${join(root, 'docs/writing-a-loader.md')} explains it.
${own}`;
}
