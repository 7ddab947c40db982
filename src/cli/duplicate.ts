import type { ParsedArguments } from './options.ts';
export async function duplicate(_: ParsedArguments): Promise<number> {
  return 1;
}
