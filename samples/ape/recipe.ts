/** How the APE samples are made: samples of elf/, a little shorter, and a script before them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripSections } from '../elf/strip-sections.ts';
import { type Artifact, SAMPLES } from '../recipe/toolbox.ts';
import { type Ape, assimilate, type Magic, makeApe } from './script.ts';

/** Makes `file` of the ELF sample `of`, which is read as it is committed. */
function artifact(
  file: string,
  of: string,
  magic: Magic,
  finish: (ape: Ape) => Uint8Array = (ape) => ape.file,
): Artifact {
  return {
    file: `ape/${file}`,
    executable: true,
    make: () => finish(makeApe(stripSections(readFileSync(join(SAMPLES, 'elf/x86_64', of))), magic)),
  };
}

export const APE_ARTIFACTS: readonly Artifact[] = [
  artifact('tally', 'tally-static', "MZqFpD='"),
  artifact('bss', 'bss', "jartsr='"),
  artifact('tally-assimilated', 'tally-static', "MZqFpD='", assimilate),
];
