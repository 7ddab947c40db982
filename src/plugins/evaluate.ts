/** Compiled code becomes a module: it gets our contract, and Node's own modules and packages from where it lies. */
import { createRequire, Module } from 'node:module';
import * as contract from '../loader/index.ts';
import { CONTRACT } from './compile.ts';

type Body = (require: (id: string) => unknown, module: { exports: unknown }, exports: unknown) => void;

/** What Node's modules can do and its types do not say. Stack traces then name the lines of the sources. */
interface Compiler {
  _compile(code: string, file: string): void;
}

/** Returns what the module exports; throws what it throws. */
export function evaluate(code: string, file: string): unknown {
  process.setSourceMapsEnabled(true);
  const host = new Module(file);
  (host as unknown as Compiler)._compile(`module.exports = ${code}`, file);
  const module = { exports: {} as unknown };
  const own = createRequire(file);
  (host.exports as Body)((id) => (id === CONTRACT ? contract : own(id)), module, module.exports);
  return module.exports;
}
