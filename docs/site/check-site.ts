/** Looks through a directory of HTML files for links that lead nowhere, and for anything that would be fetched from elsewhere. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** A sentence for each; none when all is well. */
export function brokenLinks(directory: string): readonly string[] {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => /\.(html|css|svg)$/.test(path));
  const texts = new Map(files.map((path) => [path, readFileSync(path, 'utf8')]));
  const anchors = new Map([...texts].map(([path, text]) => [path, anchorsOf(text)]));
  return [...texts].flatMap(([path, text]) => {
    const name = relative(directory, path);
    const wrong = path.endsWith('.css')
      ? urlsOfStyle(text).filter(isElsewhere)
      : linksOf(text).filter(({ url, fetched }) =>
          isElsewhere(url) ? fetched : !resolves(directory, anchors, path, url),
        );
    return wrong.map((each) => `${name}: ${typeof each === 'string' ? each : each.url} leads nowhere`);
  });
}

interface Link {
  readonly url: string;
  /** Whether a browser gets it without being asked. */
  readonly fetched: boolean;
}

function linksOf(html: string): readonly Link[] {
  return [...html.matchAll(/<(\w+)\b[^>]*?\s(?:href|src)="([^"]*)"/g)].map(([, tag = '', url = '']) => ({
    url: url.replaceAll('&amp;', '&'),
    fetched: tag !== 'a',
  }));
}

function urlsOfStyle(css: string): readonly string[] {
  return [...css.matchAll(/url\(["']?([^"')]+)|@import\s+["']([^"']+)/g)].map(
    ([, url, imported]) => url ?? imported ?? '',
  );
}

function anchorsOf(html: string): ReadonlySet<string> {
  return new Set([...html.matchAll(/\s(?:id|name)="([^"]*)"/g)].map(([, id = '']) => id));
}

/** Whether it names a scheme or a host; `data:` is here. */
const isElsewhere = (url: string): boolean => /^(?!data:)(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(url);

function resolves(
  directory: string,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
  from: string,
  url: string,
): boolean {
  if (url.startsWith('data:')) return true;
  // What begins with a slash is right on one server only.
  if (url.startsWith('/')) return false;
  const [path = '', anchor] = url.split('#');
  const [file = ''] = path.split('?');
  const target = file === '' ? from : resolve(dirname(from), decodeURIComponent(file));
  const inside = target.startsWith(`${resolve(directory)}/`);
  if (!inside || !existsSync(target) || !statSync(target).isFile()) return false;
  if (anchor === undefined || anchor === '') return true;
  return anchors.get(target)?.has(decodeURIComponent(anchor)) ?? false;
}
