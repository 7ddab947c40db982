/**
 * What Node is started with: runs the command (command.ts) from code that V8 compiled when the package was built, which
 * spares every start 15 ms. Without that code, or where V8 does not take it, the command is compiled as any script is.
 */
import { readFileSync, writeSync } from 'node:fs';
import { cacheFile, compile, runCommand, type ScriptName } from './script.ts';

const directory = import.meta.dirname;

function cacheOf(name: ScriptName): Buffer | undefined {
  try {
    return readFileSync(`${directory}/${cacheFile(name)}`);
  } catch {
    return undefined;
  }
}

/** Before anything that an older Node cannot do: its own message about that would help nobody. */
function isTooOld(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major < 20 || (major === 20 && minor < 19) || major === 21 || (major === 22 && minor < 3);
}

if (isTooOld()) {
  const { execPath, versions } = process;
  writeSync(2, `run-foreign: needs Node.js 20.19, or 22.3 or newer, and ${execPath} is ${versions.node}\n`);
  process.exit(125);
}
runCommand((name) => compile(directory, name, cacheOf(name)), require, directory);
