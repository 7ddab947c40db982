/**
 * The schema as a function. The build writes that function out (ajv's standalone code) into a file beside the command,
 * so that neither ajv nor its compiler is there when a manifest is run.
 */
import { Ajv } from 'ajv';
import schema from './schema.json' with { type: 'json' };

/** What the schema lets through. */
export interface Manifest {
  readonly program: string;
  readonly sha256?: string;
  readonly verifyKey?: string;
  readonly format?: string;
  readonly argv0?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly identity?: string | readonly string[];
}

export const ajv = new Ajv({
  allErrors: true,
  // Errors carry the value, and the part of the schema whose title says what it must be.
  verbose: true,
  allowUnionTypes: true,
  code: { source: true },
});

export const validate = ajv.compile<Manifest>(schema);
