import type { RawInvocation } from './invocation.ts';
export async function main(_invocation: RawInvocation): Promise<number> {
  return 2;
}
