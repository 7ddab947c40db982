/**
 * How blocks of code look: one that is a file (```js count.mjs) shows the file's name, and in a session (```console) what is
 * typed stands out from what is printed.
 */
interface Token {
  readonly info: string;
  readonly content: string;
}

type Rule = (tokens: readonly Token[], index: number, ...rest: unknown[]) => string;

/** What we use of markdown-it. */
export interface MarkdownParser {
  readonly renderer: { readonly rules: { fence?: Rule } };
  readonly utils: { escapeHtml(text: string): string };
}

export function codeBlocks({ renderer, utils: { escapeHtml } }: MarkdownParser): void {
  const { fence } = renderer.rules;
  if (fence === undefined) return;
  renderer.rules.fence = (tokens, index, ...rest) => {
    const { info = '', content = '' } = tokens[index] ?? {};
    if (info === 'console') return session(escapeHtml(content));
    const [, name] = /^\S+ (.+)/.exec(info) ?? [];
    const block = fence(tokens, index, ...rest);
    return name === undefined ? block : `<p class="file-name">${escapeHtml(name)}</p>\n${block}`;
  };
}

function session(html: string): string {
  const lines = html.replace(/^\$ .*$/gm, '<span class="command">$&</span>');
  return `<pre><code class="console">${lines}</code></pre>\n`;
}
