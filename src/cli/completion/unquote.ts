/** What a word means that somebody is typing in bash: bash hands out words as they were typed. */

/** Without quotes and backslashes; quotes may still be open. Nothing is expanded. */
export function unquoted(word: string): string {
  let text = '';
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const letter = word.charAt(at);
    const next = word.charAt(at + 1);
    if (quote === "'") {
      if (letter === "'") quote = '';
      else text += letter;
    } else if (letter === '\\' && (quote === '' || /["\\$`]/.test(next))) {
      text += next;
      at++;
    } else if (letter === '"') quote = quote === '' ? letter : '';
    else if (letter === "'" && quote === '') quote = letter;
    else text += letter;
  }
  return text;
}
