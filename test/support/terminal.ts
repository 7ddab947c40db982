/** Commands on a terminal, which script(1) makes, and what stands on its screen in the end. */
import { spawn } from 'node:child_process';
import { NODE_PATH, SAMPLES } from './run.ts';

export interface TerminalRun {
  readonly env?: Readonly<Record<string, string>>;
  /** Told of all that was written so far, each time there is more. */
  readonly onOutput?: (text: string) => void;
  /** Each waits for a text, behind what was answered before, and types an answer: as people do, and not earlier. */
  readonly dialogue?: readonly (readonly [awaited: string, typed: string])[];
}

/** Runs a shell command on a terminal; returns its status, and every character that it wrote there. */
export function onTerminal(
  command: string,
  { env = {}, onOutput = () => {}, dialogue = [] }: TerminalRun = {},
): Promise<{ status: number | null; written: string }> {
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: SAMPLES,
    env: { PATH: NODE_PATH, TERM: 'xterm', SHELL: '/bin/sh', ...env },
    stdio: [dialogue.length > 0 ? 'pipe' : 'ignore', 'pipe', 'inherit'],
    timeout: 50_000,
    killSignal: 'SIGKILL',
  });
  let written = '';
  let seen = 0;
  const left = [...dialogue];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    written += text;
    onOutput(written);
    for (let [next] = left; next !== undefined; [next] = left) {
      const at = written.indexOf(next[0], seen);
      if (at < 0) return;
      seen = at + next[0].length;
      left.shift();
      child.stdin?.write(next[1]);
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, written }));
  });
}

/** As `onTerminal`, with somebody who types, and on a terminal too simple for the progress line. */
export async function terminal(
  command: string,
  dialogue: NonNullable<TerminalRun['dialogue']>,
): Promise<{ status: number | null; output: string }> {
  const { status, written } = await onTerminal(command, { env: { TERM: 'dumb' }, dialogue });
  return { status, output: written };
}

/** The lines on the screen after `written`: for carriage returns, line feeds, colours, and erasing to the line's end. */
export function screen(written: string): string[] {
  const lines = [''];
  let column = 0;
  for (const [token] of written.matchAll(/(?![\r\n])\p{Cc}\[[\d;]*[A-Za-z]|./gsu)) {
    const line = lines.at(-1) ?? '';
    if (token === '\r') column = 0;
    else if (token === '\n') lines.push('');
    else if (token === '\x1b[K') lines[lines.length - 1] = line.slice(0, column);
    else if (token.startsWith('\x1b')) {
      if (!token.endsWith('m')) throw new Error(`this terminal does not know ${JSON.stringify(token)}`);
    } else {
      lines[lines.length - 1] = line.slice(0, column).padEnd(column) + token + line.slice(column + 1);
      column++;
    }
  }
  return lines;
}

/** Every line that stood there at some time, as it was drawn. */
export function drawn(written: string): string[] {
  return written
    .replace(/(?![\r\n])\p{Cc}\[[\d;]*m/gu, '')
    .replaceAll('\r\x1b[K', '\n')
    .split(/\r?\n/)
    .filter((line) => line !== '');
}
