/** A word as a shell takes it. */

/** What means nothing to a shell, anywhere in a command: with its name before it, `=` makes a variable. */
const PLAIN = /^(?!\w+=)[\w./:=@%+,-]+$/;

/** The word itself for bash and for POSIX.1-2024 shells; what it comes to shows nothing that could steer a terminal. */
export function shellWord(word: string): string {
  if (PLAIN.test(word)) return word;
  if (!/\p{Cc}/u.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const escaped = word.replace(/['\\]/g, '\\$&').replace(/\p{Cc}/gu, controlEscape);
  return `$'${escaped}'`;
}

/** By bytes, which all of them understand. */
function controlEscape(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
