/** From the bytes of a manifest to the program it names: UTF-8, JSON, the schema, and then its fields. */
import type { ErrorObject } from 'ajv';
import { FormatError, hex, type IdentityName, type NamedProgram } from 'run-foreign/loader';
import { type Json, parseJson, step } from './json.ts';

const REFUSED = 'is no manifest that can be run';

/** `start` is where `bytes` begin in their file. Throws a FormatError that names the field. */
export async function readManifest(bytes: Uint8Array, start: number): Promise<NamedProgram> {
  const json = parseJson(decode(bytes, start), start);
  const { validate } = await import('./decoder.ts');
  if (!validate(json.value)) throw problem(json, validate.errors ?? []);
  const { program, argv0, args = [], env = {}, identity = [], ...rest } = json.value;
  const { sha256, verifyKey, format } = rest;
  return {
    name: Buffer.from(program),
    sha256,
    verifyKey,
    format,
    argv0: argv0 === undefined ? undefined : Buffer.from(argv0),
    args: args.map((arg) => Buffer.from(arg)),
    env: Object.entries(env).map(([name, value]) => Buffer.from(`${name}=${value}`)),
    identities: [identity].flat().flatMap(identityName),
  };
}

/** `passphrase` is no file: whoever opens what was sealed with one asks for it. */
function identityName(text: string): IdentityName[] {
  if (text === 'passphrase') return [];
  const name = /^credential:(.*)$/s.exec(text)?.[1];
  return [name === undefined ? { kind: 'file', path: Buffer.from(text) } : { kind: 'credential', name }];
}

/** Node puts U+FFFD where bytes are no UTF-8, so what it made must give the same bytes again. */
function decode(bytes: Uint8Array, start: number): string {
  const text = Buffer.from(bytes).toString();
  const again = Buffer.from(text);
  if (again.equals(bytes)) return text;
  const at = bytes.findIndex((byte, index) => byte !== again[index]);
  const location = { offset: start + at, field: 'the manifest', value: hex(bytes[at] ?? 0) };
  throw new FormatError(`${REFUSED}: it is not in UTF-8`, location);
}

/** The most telling of ajv's errors: the version, then names that no field has, then the first one. */
function problem(json: Json, errors: readonly ErrorObject[]): FormatError {
  const error =
    errors.find(({ instancePath }) => instancePath === '/run-foreign') ??
    errors.find(({ keyword }) => keyword === 'additionalProperties') ??
    errors[0];
  if (error === undefined) throw new Error('the schema refuses a manifest and does not say why');
  const { instancePath, keyword, params, propertyName, parentSchema, schemaPath, data } = error;
  if (keyword === 'additionalProperties') {
    const name = String(params['additionalProperty']);
    const known = Object.keys(parentSchema?.['properties'] ?? {}).join(', ');
    const found = (data as Record<string, unknown>)[name];
    return json.error(
      `${REFUSED}: there is no field ${name}, but ${known}`,
      instancePath + step(name),
      found,
    );
  }
  if (keyword === 'required') {
    const name = String(params['missingProperty']);
    const why = schemaPath === '#/required' ? '' : `: ${parentSchema?.['title']}`;
    return json.error(`${REFUSED}: the field ${name} is missing${why}`, instancePath + step(name), 'missing');
  }
  const pointer = propertyName === undefined ? instancePath : instancePath + step(propertyName);
  const what = pointer === '' ? 'it' : `the field ${pointer.slice(1)}`;
  return json.error(`${REFUSED}: ${what} must be ${parentSchema?.['title']}`, pointer, data);
}
