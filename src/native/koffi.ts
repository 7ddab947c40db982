/** koffi, through its public import, and the C library: both only when a function of it is called, for it costs 8 ms. */
import type Koffi from 'koffi';

type KoffiModule = typeof Koffi;

let loaded: KoffiModule | undefined;

export function koffi(): KoffiModule {
  // node:module is not imported, because Node loads it with its loader of ES modules.
  loaded ??= process.getBuiltinModule('node:module').createRequire(import.meta.filename)(
    'koffi',
  ) as KoffiModule;
  return loaded;
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
