/** A command as text, for messages and for shells. */

const SAFE = /^[\w./:=@%+,-]+$/;

/** `escapedCommand` gives the same command to a shell, and shows nothing that could steer a terminal. */
export function commandText(words: readonly string[]): { command: string; escapedCommand: string } {
  return { command: words.join(' '), escapedCommand: words.map(quoted).join(' ') };
}

function quoted(word: string): string {
  if (SAFE.test(word)) return word;
  if (!/\p{Cc}/u.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const escaped = word.replace(/['\\]/g, '\\$&').replace(/\p{Cc}/gu, controlEscape);
  return `$'${escaped}'`;
}

/** By bytes, which both bash and POSIX shells understand. */
function controlEscape(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
