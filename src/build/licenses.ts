/** What the packages ask for whose code is in our bundles: their notice with every copy. */
import { licenceText, type Package } from './packages.ts';

/** Their notices, one after the other. Throws for one that has none. */
export function notices(packages: readonly Package[]): string {
  return packages
    .map((each) => `${each.name} ${each.version} (${each.license})\n\n${licenceText(each)}`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}
