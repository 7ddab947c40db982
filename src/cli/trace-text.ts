/** An event of a trace as a line, for people or for machines. */
import { printable } from '../errors.ts';
import type { TraceEvent, TraceEventName } from '../trace.ts';

/** One JSON object, which is ASCII whatever bytes names have, and steers no terminal. */
export function eventJson(event: TraceEvent): string {
  return JSON.stringify(event).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Makes lines of events. Those who say that a file is not theirs are told together, before what comes next. */
export function traceLines(): (event: TraceEvent) => string[] {
  let refused: TraceEvent[] = [];
  return (event) => {
    if (event.event === 'ask' && event['verdict'] === 'none') {
      refused.push(event);
      return [];
    }
    const before = refused;
    refused = [];
    return [...together(before), eventLine(event)];
  };
}

function together(refused: readonly TraceEvent[]): string[] {
  const [first] = refused;
  if (first === undefined) return [];
  const took = refused.reduce((sum, { duration_ms }) => sum + duration_ms, 0);
  const loader = refused.map((each) => each['loader']).join(', ');
  return [eventLine({ ...first, duration_ms: took, loader })];
}

/** `run-foreign:  when ms  +how long  what`. */
function eventLine(event: TraceEvent): string {
  const at = event.at_ms.toFixed(1).padStart(7);
  const took = event.duration_ms === 0 ? '' : `+${event.duration_ms.toFixed(event.duration_ms < 10 ? 2 : 1)}`;
  const failed = event.failed === undefined ? '' : `: fails with ${event.failed}`;
  return printable(`run-foreign: ${at} ms ${took.padStart(7)}  ${what(event)}${failed}`);
}

type Fields = Readonly<Record<string, string>>;

/** Every event has a text; fields that are missing, because of a failure or because nothing is told, are empty. */
const TEXTS: Readonly<Record<TraceEventName, (fields: Fields, event: TraceEvent) => string>> = {
  launcher: ({ pid, resolution_ms }) => `the launcher began, process ${pid} (to ${resolution_ms} ms)`,
  node: ({ pid, version }) => `Node ${version} began, process ${pid}`,
  command: () => 'the command was loaded, and its options read',
  loaders: ({ count }) => `made ready${count && ` ${count}`} loaders`,
  open: openText,
  ask: ({ loader, file, verdict }) => `is ${file} for ${loader}?${verdict && ` ${VERDICTS[verdict]}`}`,
  load: loadText,
  keys: ({ kind, files }) =>
    kind === 'passphrase' ? 'asked for a passphrase' : `read the key files${files && ` (${files})`}`,
  authenticate: ({ file, bytes }) => `fetched and checked ${file}, ${bytes} bytes`,
  plan: ({ steps }) => `planned${steps && ` ${steps} steps`}`,
  vault: ({ bytes }) => `filled the vault${bytes && `, ${bytes} bytes`}`,
  'memory-file': ({ by }) => `made a file in memory (${by})`,
  stub: ({ bytes }) => `emitted the stub${bytes && `, ${bytes} bytes`}`,
  'hand-over': ({ files }) => `gave open files to the launcher${files && ` (${files})`}`,
  freeze: ({ pid, threads }) => `stopped process ${pid}${threads && `, ${threads} threads`}`,
  thaw: ({ pid, afterwards }) => `ended the standstill of process ${pid} (${afterwards})`,
  write: ({ file }) => `wrote ${file}`,
  copy: ({ pid }) => `started a copy${pid && `, process ${pid}`}`,
  exec: ({ by, pid }) => {
    const who = by === 'launcher' ? 'the launcher, ' : '';
    const executed = by === 'launcher' || by === 'node' ? 'the stub' : by;
    return `${who}process ${pid}, executes ${executed}: nothing is told from here on`;
  },
  end: ({ status }) => `ended with status ${status}`,
  error: ({ code, status }) => `failed: ${code}, exit status ${status}`,
};

const VERDICTS: Readonly<Record<string, string>> = {
  exact: 'yes',
  likely: 'perhaps',
  none: 'no',
};

function what(event: TraceEvent): string {
  const fields = new Proxy<Record<string, string>>(
    {},
    { get: (_, name) => (event[String(name)] === undefined ? '' : String(event[String(name)])) },
  );
  return TEXTS[event.event](fields, event);
}

function openText({ file, as, path, bytes }: Fields): string {
  const where = path === '' || path === file ? '' : ` (${path})`;
  return `opened ${as === 'interpreter' ? 'the interpreter ' : ''}${file}${where}${bytes && `, ${bytes} bytes`}`;
}

function loadText(fields: Fields, { confidential }: TraceEvent): string {
  const { loader, file, result, program, bytes } = fields;
  const head = `${loader} loaded ${file}`;
  if (result === 'wrapper')
    return confidential === true
      ? `${head}: a program is inside that is confidential, and nothing of it is told`
      : `${head}: ${bytes} bytes are inside`;
  if (result === 'interpreter') return `${head}: ${program} runs it`;
  if (result === 'program') return `${head}: it means ${program}`;
  if (result !== 'image') return head;
  const { format, variant, arch, segments, entry, threads } = fields;
  const rest = entry === '' ? `${threads} threads` : `entry ${entry}`;
  return `${head}: ${format} (${variant}), ${arch}, ${segments} segments, ${rest}`;
}
