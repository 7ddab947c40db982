/** What `--trace=json` has written. */
import { expect } from 'vitest';

export interface TracedEvent {
  readonly event: string;
  readonly at_ms: number;
  readonly duration_ms: number;
  readonly failed?: string;
  readonly [field: string]: unknown;
}

/** The events in what came on standard error, and the lines that are none. */
export function tracedEvents(stderr: string): { events: TracedEvent[]; others: string[] } {
  const lines = stderr.split('\n').filter((line) => line !== '');
  const events = lines
    .filter((line) => line.startsWith('{'))
    .map((line) => {
      // Printable ASCII, whatever names have.
      expect(line).toMatch(/^[ -~]+$/);
      return JSON.parse(line) as TracedEvent;
    });
  for (const { event, at_ms, duration_ms } of events) {
    expect(event).toMatch(/^[a-z-]+$/);
    expect(duration_ms).toBeGreaterThanOrEqual(0);
    if (event !== 'launcher') expect(at_ms).toBeGreaterThanOrEqual(0);
  }
  return { events, others: lines.filter((line) => !line.startsWith('{')) };
}

/** In the order in which they came; what was asked only if the answer is not no. */
export const stepsOf = (events: readonly TracedEvent[]): string[] =>
  events
    .filter(({ event, verdict }) => event !== 'ask' || verdict !== 'none')
    .map(({ event, loader, result, as }) => [event, loader ?? as, result].filter(Boolean).join(' '));
