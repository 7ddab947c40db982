/** #! lines: what the kernel reads of them, and where they lead. */
import type { Box, FileCase } from './case.ts';
import { program } from './program.ts';

const script = (title: string, text: (interpreter: string, box: Box) => string, mode = 0o755): FileCase => ({
  title,
  make: (box) => box.file('prog', text(box.file('interp', program()), box), mode),
});

/** Scripts that name each other, `depth` of them before the program. */
const chain = (depth: number): FileCase => ({
  title: `${depth} scripts that name each other, then a program`,
  make: (box) => {
    let last = box.file('program', program());
    for (let level = 0; level < depth; level++) last = box.file(`script-${level}`, `#!${last}\n`);
    return last;
  },
});

export const scripts: readonly FileCase[] = [
  script('#! and a good interpreter', (interp) => `#!${interp}\n`),
  script('#! and blanks before the interpreter', (interp) => `#! \t ${interp} \t \n`),
  script('#! and no newline', (interp) => `#!${interp}`),
  script('#! alone', () => '#!'),
  script('#! and a newline', () => '#!\n'),
  script('#! and only blanks', () => '#!  \t \n'),
  script('#! and a NUL', () => '#!\0\n'),
  script('#! and an interpreter that is missing', (interp) => `#!${interp}-missing\n`),
  script('#! and CRLF', (interp) => `#!${interp}\r\n`),
  script('#! and a directory', (_, box) => `#!${box.path}\n`),
  script('#! and a device', () => '#!/dev/null\n'),
  script('#! and an interpreter below a file', (interp) => `#!${interp}/x\n`),
  script('#! and an interpreter without an x bit', (_, box) => `#!${box.file('no-x', program(), 0o644)}\n`),
  script('#! and an interpreter that is empty', (_, box) => `#!${box.file('empty', '')}\n`),
  script('#! and an interpreter that is a text', (_, box) => `#!${box.file('text', 'echo\n')}\n`),
  script(
    '#! and an interpreter for another machine',
    (_, box) => `#!${box.file('arm', program(64, { header: { e_machine: 40n } }))}\n`,
  ),
  script('#! with an interpreter of 250 letters', () => `#!/${'x'.repeat(249)}\n`),
  script('#! with an interpreter of 300 letters, past the 256 bytes read', () => `#!/${'x'.repeat(300)}\n`),
  script('#! with an argument past the 256 bytes read', (interp) => `#!${interp} ${'x'.repeat(300)}\n`),
  script('#! of a script without an x bit', (interp) => `#!${interp}\n`, 0o644),
  { title: '#! that names itself', make: (box) => box.file('prog', `#!${box.at('prog')}\n`) },
  ...[4, 5, 6].map(chain),
];
