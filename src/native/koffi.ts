/** koffi, through its public import, and the C library: both only when a function of it is called, for it costs 8 ms. */
import type Koffi from 'koffi';
import { ForeignError } from '../errors.ts';

type KoffiModule = typeof Koffi;

let loaded: KoffiModule | undefined;

/** Throws INTERNAL where it, or the package with its native half, is in no node_modules of ours. */
export function koffi(): KoffiModule {
  loaded ??= load();
  return loaded;
}

function load(): KoffiModule {
  // node:module is not imported, because Node loads it with its loader of ES modules.
  const { createRequire } = process.getBuiltinModule('node:module');
  try {
    return createRequire(import.meta.filename)('koffi') as KoffiModule;
  } catch (cause) {
    throw new ForeignError('INTERNAL', 'the package koffi, which calls the C library, cannot be loaded', {
      hint: 'install run-foreign again, with what it depends on, into node_modules (yarn: nodeLinker)',
      cause,
    });
  }
}

/** Its version, when the C library could be called through it. */
export function koffiVersion(): string {
  koffi().load(null).func('int getpid(void)')();
  return koffi().version;
}

/** A function of the C library that this process already has, whatever its name (glibc or musl). */
export function declare(prototype: string): (...args: unknown[]) => unknown {
  let found: ((...args: unknown[]) => unknown) | undefined;
  return (...args) => {
    found ??= koffi().load(null).func(prototype);
    return found(...args);
  };
}
