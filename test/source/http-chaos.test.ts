/**
 * Servers that do anything, from a seed: cut, stall, lie, answer for other content, or behave. Whatever they do, the
 * outcome is the pinned content or a ForeignError, and no read after the check gives another byte.
 */
import { expect, test } from 'vitest';
import { ForeignError } from '../../src/errors.ts';
import { openSmall, unlike } from '../support/http-client.ts';
import { type Misbehaviour, serve, sha256, testServer } from '../support/http-server.ts';

const ROUNDS = Number(process.env['HTTP_CHAOS_ROUNDS'] ?? 300);
const CONTENT = unlike(40 * 1024 + 17);
const OTHER = unlike(CONTENT.length, 7);

/** Numbers from 0 to below `limit`. */
function dice(seed: number): (limit: number) => number {
  let state = Math.imul(seed + 1, 2654435761) >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** One answer in `calm + 10` is a bad one. */
function chaos(roll: (limit: number) => number, calm: number): Misbehaviour {
  return ({ request, response }, bytes) => {
    const whole = { ranges: true, etag: '"one"' };
    switch (roll(calm + 10)) {
      case 0:
        response.destroy();
        return true;
      case 1: {
        // Cut the answer, headers included, after any number of bytes.
        const { socket } = response;
        let left = roll(18_000);
        const write = socket?.write.bind(socket);
        if (socket === null || write === undefined) return false;
        socket.write = ((chunk: Buffer | string, ...rest: never[]) => {
          const piece = Buffer.from(chunk as string, 'latin1').subarray(0, left);
          left -= piece.length;
          const result = write(piece, ...rest);
          if (left === 0) socket.destroySoon();
          return result;
        }) as typeof socket.write;
        serve(request, response, bytes, whole);
        return true;
      }
      case 2:
        response.writeHead([204, 302, 404, 416, 500, 503][roll(6)] ?? 500).end('no');
        return true;
      case 3:
        serve(request, response, OTHER, whole);
        return true;
      case 4:
        serve(request, response, bytes, { ranges: true, etag: '"two"' });
        return true;
      case 5:
        serve(request, response, bytes, { ranges: false, etag: '"one"' });
        return true;
      case 6:
        serve(request, response, bytes.subarray(0, roll(bytes.length)), whole);
        return true;
      case 7: {
        const from = roll(bytes.length);
        const contentRange = `bytes ${from}-${from + roll(2000)}/${bytes.length}`;
        response.writeHead(206, { 'Content-Range': contentRange, ETag: '"one"' });
        response.end(bytes.subarray(from, from + roll(2000)));
        return true;
      }
      case 8:
        response.writeHead(206, { 'Content-Encoding': 'gzip' }).end();
        return true;
      case 9:
        // The server hangs.
        response.writeHead(200, { 'Content-Length': bytes.length }).write(bytes.subarray(0, roll(3000)));
        return true;
      default:
        return false;
    }
  };
}

test(`${ROUNDS} servers`, async () => {
  const server = await testServer();
  const ends = { content: 0, error: 0 };
  for (let seed = 0; seed < ROUNDS; seed++) {
    const roll = dice(seed);
    // Of its own name each time, so that late requests of the last one do not roll its dice.
    const own = `/${seed}`;
    const misbehave = chaos(roll, [0, 10, 100][seed % 3] ?? 0);
    server.files.set(own, CONTENT);
    server.misbehave = (served, bytes) => served.request.url === own && misbehave(served, bytes);
    const url = `${server.url}${own}#sha256=${sha256(CONTENT)}`;
    try {
      const source = await openSmall(url, {}, { answerTimeout: 2000, stallTimeout: 100 });
      const looks = Array.from({ length: roll(4) }, () => [roll(source.size), roll(3000)] as const);
      const seen: [number, Buffer][] = [];
      for (const [at, length] of looks)
        seen.push([at, Buffer.from(await source.read(at, Math.min(length, source.size - at)))]);
      await source.authenticate();
      expect(CONTENT.equals(await source.read(0, source.size)), `seed ${seed}`).toBe(true);
      // What a loader saw before the check is what was checked.
      for (const [at, bytes] of seen)
        expect(bytes.equals(CONTENT.subarray(at, at + bytes.length)), `seed ${seed}`).toBe(true);
      ends.content++;
    } catch (error) {
      if (!(error instanceof ForeignError)) throw error;
      expect(['NETWORK', 'UNAUTHENTICATED', 'PROGRAM_NOT_FOUND', 'BAD_FORMAT'], `seed ${seed}`).toContain(
        error.code,
      );
      ends.error++;
    }
  }
  await server.close();
  expect(ends.content).toBeGreaterThan(ROUNDS / 10);
  expect(ends.error).toBeGreaterThan(ROUNDS / 10);
});
