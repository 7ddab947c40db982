/** What a loader knows of the names in a program; asked for debuggers only. */
import type { Source } from '../source/source.ts';
import { hangs, thrownBy } from './call.ts';
import type { LoaderPlugin, ProbeContext, ProgramSymbol } from './contract.ts';
import { lendSource } from './lent.ts';
import { NO_LIMIT, TimedCall, type TimeLimit } from './time-limit.ts';
import { Nonsense, Value } from './value.ts';

/** Addresses end here. */
const ADDRESS_LIMIT = 1n << 64n;

/** None where the loader has no such method. Throws LOADER_FAILED, and what reading the source does. */
export async function symbolsOf(
  loader: LoaderPlugin,
  source: Source,
  context: ProbeContext,
  limit: TimeLimit = NO_LIMIT,
): Promise<ProgramSymbol[]> {
  if (loader.symbols === undefined) return [];
  const call = new TimedCall(limit, `the loader ${loader.name}`);
  const lent = lendSource(source, (action) => call.through(action));
  try {
    const symbols: unknown = await call.run(
      () => loader.symbols?.(lent, context),
      () => hangs(loader, limit),
    );
    return new Value(symbols, 'symbols').list(readSymbol);
  } catch (cause) {
    throw thrownBy(loader, cause);
  }
}

function readSymbol(value: Value): ProgramSymbol {
  const name = value.at('name').cString();
  const address = value.at('address').bigint();
  if (name.length === 0) throw new Nonsense(value.at('name'), 'is empty');
  if (address < 0n || address >= ADDRESS_LIMIT) throw new Nonsense(value.at('address'), 'is no address');
  return {
    name,
    address,
    kind: value.at('kind').oneOf(['code', 'data', 'other']),
    global: value.at('global').boolean(),
  };
}
