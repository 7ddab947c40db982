/** gdb on a terminal, as people have it: whose keys are whose. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quote, SHELL_COMMAND, temporary } from '../support/run.ts';
import { terminal } from '../support/terminal.ts';
import { compile } from './compile.ts';

const directory = temporary();
afterAll(directory.remove);
const at = (name: string) => join(directory.path, name);
const CONTROL_C = '\x03';
const CONTROL_D = '\x04';

beforeAll(async () => {
  await compile('debugged.c', ['-g'], at('pie'));
});

test('Ctrl-C stops the program and not gdb; the program has the terminal while it runs', async () => {
  const { status, output } = await terminal(`${SHELL_COMMAND} --gdb ${quote(at('pie'))} waits`, [
    ['(gdb) ', 'continue\n'],
    ['waiting', CONTROL_C],
    ['(gdb) ', 'backtrace\n'],
    ['main (argc=2', ''],
    ['(gdb) ', 'shell ps -o stat= -C pie\n'],
    ['(gdb) ', 'kill\n'],
    ['(y or n) ', 'y\n'],
    ['(gdb) ', 'quit 7\n'],
  ]);
  expect(output).toContain('Program received signal SIGINT, Interrupt.');
  expect(output).toMatch(
    /#\d+ .* innermost \(.*\)\s+at .*\s+#\d+ .* outer .*\s+at .*\s+#\d+ .* main \(argc=2/,
  );
  expect(status).toBe(7);
});

test("what is typed while the program runs is the program's", async () => {
  const { output } = await terminal(`${SHELL_COMMAND} --gdb /bin/cat`, [
    ['(gdb) ', 'continue\n'],
    ['Using host libthread_db', ''],
    ['\n', 'to the program\n'],
    ['to the program\r\nto the program', CONTROL_D],
    ['exited normally', ''],
    ['(gdb) ', 'quit\n'],
  ]);
  expect(output).toMatch(/to the program\r\nto the program/);
});

test('a program through a pipe: gdb reads from the terminal, the program from nothing', async () => {
  const { output } = await terminal(`cat ${quote(at('pie'))} | ${SHELL_COMMAND} --gdb -`, [
    ['(gdb) ', 'break innermost\n'],
    ['(gdb) ', 'continue\n'],
    ['innermost (value=2)', ''],
    ['(gdb) ', 'shell readlink /proc/$(pgrep -n -x 0)/fd/0\n'],
    ['(gdb) ', 'kill\n'],
    ['(y or n) ', 'y\n'],
    ['(gdb) ', 'quit\n'],
  ]);
  expect(output).toMatch(/Breakpoint 1, innermost/);
  expect(output).toContain('/dev/null');
});
