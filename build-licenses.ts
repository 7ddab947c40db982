/** What the packages ask for whose code is in our bundles: their notice with every copy. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** The notices of all packages that went into some bundles, one after the other. Throws for one that has none. */
export function notices(metafiles: readonly Metafile[]): string {
  const packages = new Set<string>();
  for (const { outputs } of metafiles) {
    for (const { inputs } of Object.values(outputs)) {
      for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
        const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
        if (name !== undefined && bytesInOutput > 0) packages.add(name);
      }
    }
  }
  return [...packages]
    .sort()
    .map(notice)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function notice(name: string): string {
  const directory = join('node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    version: string;
    license?: string;
  };
  const file = readdirSync(directory).find((each) => /^(licen[cs]e|copying)(\.|-|$)/i.test(each));
  if (file === undefined && license === undefined) throw new Error(`the package ${name} has no licence`);
  const text = file === undefined ? '' : `\n${readFileSync(join(directory, file), 'utf8')}`;
  return `${name} ${version} (${license ?? 'see below'})\n${text}`;
}
