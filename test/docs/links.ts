/** Links of Markdown pages, and the anchors of their headings as GitHub and typedoc make them. */

export interface MarkdownLink {
  readonly line: number;
  /** What it names, without the anchor; empty for the page itself. */
  readonly path: string;
  readonly anchor: string | undefined;
}

/** The relative links of a page, those to pictures too. What stands in code is none. */
export function linksIn(markdown: string): readonly MarkdownLink[] {
  return withoutCode(markdown)
    .split('\n')
    .flatMap((text, index) =>
      [...text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s[^)]*)?\)/g)]
        .map(([, url = '']) => url)
        .filter((url) => !/^[a-z][a-z0-9+.-]*:/i.test(url))
        .map((url) => {
          const [path = '', anchor] = url.split('#');
          return { line: index + 1, path, anchor };
        }),
    );
}

export function anchorsIn(markdown: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const titles = withoutBlocks(markdown).matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...titles].map(([, title = '']) => {
      const slug = slugOf(title);
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      return count === 0 ? slug : `${slug}-${count}`;
    }),
  );
}

function slugOf(title: string): string {
  return title
    .trim()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** Lines keep their numbers. */
const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

function withoutBlocks(markdown: string): string {
  return markdown.replace(/^(`{3,})[^\n]*\n[\s\S]*?^\1$/gm, blank);
}

function withoutCode(markdown: string): string {
  return withoutBlocks(markdown).replace(/(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, blank);
}
