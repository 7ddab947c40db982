/** Opening URLs with bounds that a test can reach. */
import { type HttpLimits, type HttpOptions, type HttpSource, openHttp } from '../../src/source/http.ts';

export const SMALL: HttpLimits = {
  maxSize: 1 << 20,
  blockSize: 1024,
  inFlight: 4,
  attempts: 3,
  retryPause: 1,
  answerTimeout: 10_000,
  stallTimeout: 10_000,
};

export function openSmall(
  url: string,
  options: HttpOptions = {},
  limits: Partial<HttpLimits> = {},
): Promise<HttpSource> {
  return openHttp(url, { ...options, limits: { ...SMALL, ...limits } });
}

/** All of it, checked. */
export async function fetchAll(
  url: string,
  options: HttpOptions = {},
  limits: Partial<HttpLimits> = {},
): Promise<Buffer> {
  const source = await openSmall(url, options, limits);
  try {
    await source.authenticate();
    return Buffer.from(await source.read(0, source.size));
  } finally {
    source.close();
  }
}

/** Bytes that repeat nowhere, so that a piece in a wrong place shows. */
export function unlike(length: number, seed = 1): Buffer {
  let state = seed;
  return Buffer.alloc(length).map(() => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 16;
  }) as Buffer;
}
