/**
 * What Node is started with: runs the command (command.ts) from code that V8 compiled when the package was built, which
 * spares every start 15 ms. Without that code, or where V8 does not take it, the command is compiled as any script is.
 */
import { readFileSync } from 'node:fs';
import { CACHE_FILE, commandScript, runCommand } from './script.ts';

const directory = import.meta.dirname;

function cache(): Buffer | undefined {
  try {
    return readFileSync(`${directory}/${CACHE_FILE}`);
  } catch {
    return undefined;
  }
}

runCommand(commandScript(directory, cache()), require, directory);
