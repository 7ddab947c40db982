/** Commands on a terminal of their own, with somebody who types: script(1), of Debian's base system. */
import { spawn } from 'node:child_process';
import { NODE_PATH, quote, type RunOptions, SAMPLES } from './run.ts';

export interface Answer {
  /** When the terminal shows this … */
  readonly prompt: string;
  /** … this is typed, and the enter key. */
  readonly text: string;
}

export interface TerminalOutcome {
  readonly status: number | string;
  /** All that the terminal showed, as latin1 text. */
  readonly shown: string;
}

/** Runs `command` and answers its prompts, which come in this order. */
export function onTerminal(
  command: readonly string[],
  answers: readonly Answer[] = [],
  { env = { PATH: NODE_PATH }, cwd = SAMPLES, timeout = 60_000 }: RunOptions = {},
): Promise<TerminalOutcome> {
  return new Promise((resolve, reject) => {
    const line = command.map(quote).join(' ');
    const child = spawn('script', ['-qefc', line, '/dev/null'], {
      env: { SHELL: '/bin/sh', ...env },
      cwd,
      timeout,
      killSignal: 'SIGKILL',
    });
    let shown = '';
    let from = 0;
    const left = [...answers];
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      shown += text;
      const [next] = left;
      const at = next === undefined ? -1 : shown.indexOf(next.prompt, from);
      if (next === undefined || at < 0) return;
      left.shift();
      from = at + next.prompt.length;
      child.stdin.write(`${next.text}\r`);
    });
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status: status ?? signal ?? 'unknown', shown }));
  });
}
