/** What the options say, once their texts have been read: the values of each, checked. */
import type { GivenOption } from '../loader/options.ts';
import { toBytes } from './invocation.ts';
import { type Given, type Layer, merged } from './option-layers.ts';
import type { OptionName } from './option-specs.ts';
import type { RunOptions } from './run-options.ts';
import type { TraceFormat } from './trace.ts';
import { usageError } from './usage-error.ts';

export interface Options extends RunOptions {
  readonly recipients: readonly string[];
  readonly recipientsFiles: readonly string[];
  readonly passphrase: boolean;
  readonly output: string | undefined;
  readonly force: boolean;
  readonly armor: boolean;
  readonly skip: readonly string[];
  readonly executable: boolean;
  readonly afterwards: 'run' | 'stop' | 'kill';
  readonly complete: boolean;
  readonly compress: string | undefined;
  readonly seal: readonly string[];
  readonly check: boolean;
  readonly style: 'systemd' | 'debian' | undefined;
  readonly root: string | undefined;
  readonly interpreter: string | undefined;
  readonly now: boolean;
  readonly copies: number;
  readonly svg: boolean;
  readonly json: boolean;
  readonly version: boolean;
  readonly help: boolean;
}

/** The options that count: of `layers`, which the configuration has, the later win. Throws USAGE. */
export function optionsOf(given: Given, layers: readonly Layer[] = []): Options {
  const { values: found, demanded } = merged(given, layers);
  const list = (name: OptionName) => [found[name] ?? []].flat() as string[];
  const last = (name: OptionName) => list(name).at(-1);
  const flag = (name: OptionName) => [found[name]].flat().at(-1) === true;
  const format = last('format');
  const verifyKey = last('verify-key');
  const env = list('env');
  const unsetEnv = list('unset-env');
  if (env.some((entry) => entry === '' || entry.startsWith('='))) throw usageError('--env needs a name');
  const wrong = unsetEnv.find((entry) => entry === '' || entry.includes('='));
  if (wrong !== undefined) throw usageError(`--unset-env takes a name, not '${forPeople(wrong)}'`);
  return {
    format: format === undefined ? undefined : forPeople(format),
    loaders: list('loader').map(forPeople),
    loaderOptions: [
      ...list('loader-opt').map(forPeople).map(loaderOption),
      ...(flag('verify') ? [VERIFY] : []),
    ],
    resume: {
      stdio: stdioFrom(last('stdio')),
      newPid: flag('new-pid'),
      mapped: flag('map-memory'),
      anyCpu: list('skip').includes('cpu'),
    },
    skip: list('skip').map(forPeople),
    loaderTimeout: secondsFrom(last('loader-timeout')),
    argv0: last('argv0'),
    env,
    unsetEnv,
    stdin: last('stdin'),
    maxSize: sizeFrom(last('max-size')),
    verbose: flag('verbose'),
    trace: traceFrom(last('trace')),
    gdb: gdbFrom(last('gdb')),
    sha256: last('sha256'),
    verifyKey: verifyKey === undefined ? undefined : forPeople(verifyKey),
    identity: list('identity'),
    notConfidential: flag('not-confidential'),
    checkDemanded: demanded,
    recipients: list('recipient').map(forPeople),
    recipientsFiles: list('recipients-file'),
    passphrase: flag('passphrase'),
    output: last('output'),
    force: flag('force'),
    armor: flag('armor'),
    executable: flag('executable'),
    afterwards: afterwardsFrom(flag('leave-running'), flag('stop'), flag('kill')),
    complete: flag('complete'),
    compress: last('compress'),
    seal: list('seal').map(forPeople),
    check: flag('check'),
    style: styleFrom(last('style')),
    root: pathFrom('root', last('root')),
    interpreter: pathFrom('interpreter', last('interpreter')),
    now: flag('now'),
    copies: copiesFrom(last('copies')),
    svg: flag('svg'),
    json: flag('json'),
    version: flag('version'),
    help: flag('help'),
  };
}

/** What --verify says to the loader of checkpoints. */
const VERIFY: GivenOption = { loader: 'core', key: 'verify', value: 'true' };

function stdioFrom(text: string | undefined): 'inherit' | 'recorded' | undefined {
  if (text === undefined || text === 'inherit' || text === 'recorded') return text;
  throw usageError(`--stdio takes inherit or recorded, not '${forPeople(text)}'`);
}

/** The value is optional. */
function traceFrom(text: string | undefined): TraceFormat | undefined {
  if (text === '' || text === 'text') return 'text';
  if (text === undefined || text === 'json') return text;
  throw usageError(`--trace takes json, or nothing, not '${forPeople(text)}'`);
}

function styleFrom(text: string | undefined): Options['style'] {
  if (text === undefined || text === 'systemd' || text === 'debian') return text;
  throw usageError(`--style takes systemd or debian, not '${forPeople(text)}'`);
}

function pathFrom(name: OptionName, text: string | undefined): string | undefined {
  if (text === '') throw usageError(`--${name} needs a path`);
  return text === undefined ? undefined : forPeople(text);
}

const UNITS = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** `64M` in bytes; undefined stays undefined. */
function sizeFrom(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit = ''] = /^(\d+)([KMG]?)$/i.exec(text) ?? [];
  const size = Number(digits) * UNITS[unit.toUpperCase() as keyof typeof UNITS];
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw usageError(`--max-size takes bytes, as in 1000000, 512K, 64M or 2G, not '${forPeople(text)}'`);
}

/** What becomes of a process when it has been written. */
function afterwardsFrom(run: boolean, stop: boolean, kill: boolean): Options['afterwards'] {
  if ([run, stop, kill].filter(Boolean).length > 1)
    throw usageError('only one of --leave-running, --stop and --kill can be');
  return kill ? 'kill' : stop ? 'stop' : 'run';
}

const MAX_COPIES = 10_000;

function copiesFrom(text: string | undefined): number {
  if (text === undefined) return 1;
  const copies = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (copies > 0 && copies <= MAX_COPIES) return copies;
  throw usageError(`--copies takes a number from 1 to ${MAX_COPIES}, not '${forPeople(text)}'`);
}

const MAX_PORT = 65535;

/** The value is a port, or nothing. */
function gdbFrom(text: string | undefined): Options['gdb'] {
  if (text === undefined) return undefined;
  if (text === '') return { port: undefined };
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port > 0 && port <= MAX_PORT) return { port };
  throw usageError(`--gdb takes a port, from 1 to ${MAX_PORT}, or nothing, not '${forPeople(text)}'`);
}

/** `NAME.KEY=VALUE`; a flag needs no value. */
function loaderOption(text: string): GivenOption {
  const [, loader, key, value = ''] = /^([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(text) ?? [];
  if (loader !== undefined && key !== undefined) return { loader, key, value };
  throw usageError(`--loader-opt takes NAME.KEY=VALUE, as in flat.base=0x10000, not '${text}'`);
}

const MAX_SECONDS = 1_000_000;

/** In milliseconds; undefined stays undefined. */
function secondsFrom(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds * 1000;
  throw usageError(`--loader-timeout takes seconds, as in 10 or 0.5, not '${forPeople(text)}'`);
}

/** Byte strings as the people who typed them read them. */
export const forPeople = (text: string): string => Buffer.from(toBytes(text)).toString();
