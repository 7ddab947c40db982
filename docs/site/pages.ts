/**
 * The pages of the site and their groups. docs/README.md is the list: each heading is a group of the navigation, each link in
 * the lists below it a page, called as the link is. So there is one list for those who read here and for those who read there.
 */
import { posix } from 'node:path';

/** The page that leads to all others. */
export const INDEX = 'docs/README.md';

export interface Page {
  readonly group: string;
  readonly title: string;
  /** From the root of the repository. */
  readonly path: string;
}

/** What docs/README.md, whose text this is, leads to. */
export function pagesOf(index: string): readonly Page[] {
  return index
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const group = section.slice(0, section.indexOf('\n'));
      return [...section.matchAll(/^- \[([^\]]+)\]\(([^)]+)\)/gm)].map(([, title = '', link = '']) => ({
        group,
        title,
        path: posix.join(posix.dirname(INDEX), link),
      }));
    });
}
