/** The one list of built-in formats: a new one is a folder here and a line below. */
import type { LoaderPlugin } from 'run-foreign/loader';
import { age } from './age/index.ts';
import { aout } from './aout/index.ts';
import { ape } from './ape/index.ts';
import { core } from './core/index.ts';
import { elf } from './elf/index.ts';
import { flat } from './flat/index.ts';
import { gzip } from './gzip/index.ts';
import { java } from './java/index.ts';
import { manifest } from './manifest/index.ts';
import { qemu } from './qemu/index.ts';
import { script } from './script/index.ts';
import { wasm } from './wasm/index.ts';
import { xz } from './xz/index.ts';
import { zstd } from './zstd/index.ts';

/** The loaders that come with us, in the order in which they are asked. */
export const builtinLoaders: readonly LoaderPlugin[] = [
  elf,
  core,
  aout,
  ape,
  qemu,
  wasm,
  java,
  script,
  manifest,
  age,
  gzip,
  xz,
  zstd,
  flat,
];
