/** A JSON schema of configurations, for editors: made of the options when the package is built. */
import { type OptionName, optionSpec } from '../option-specs.ts';
import { FIELDS, KEY, NUMBERS, ONE_PROGRAM, PAIRS } from './fields.ts';

type Schema = Readonly<Record<string, unknown>>;

const TEXT: Schema = { type: 'string', pattern: '^[^\\u0000]*$' };
const LIST: Schema = { type: 'array', items: TEXT };

/** What one option takes in the place of a command line's text. */
function fieldSchema(name: OptionName): Schema {
  const { kind, help } = optionSpec(name);
  const description = `${help}.`;
  if (kind === 'flag') return { description, type: 'boolean' };
  if (kind === 'optional') return { description, anyOf: [{ type: 'boolean' }, TEXT] };
  if (kind === 'text')
    return { description, anyOf: NUMBERS.includes(name) ? [TEXT, { type: 'number' }] : [TEXT] };
  if (!PAIRS.includes(name)) return { description, anyOf: [TEXT, LIST] };
  const value = name === 'loader-opt' ? { anyOf: [TEXT, { type: ['boolean', 'number'] }] } : TEXT;
  const pairs = { type: 'object', propertyNames: { pattern: '^[^=]*$' }, additionalProperties: value };
  return { description, anyOf: [TEXT, LIST, pairs] };
}

const fieldsOf = (names: readonly OptionName[]): Schema => ({
  loaders: {
    description:
      'Loaders in files, which count from where the configuration lies, or in packages. They are asked first.',
    ...LIST,
  },
  ...Object.fromEntries(names.map((name) => [name, fieldSchema(name)])),
});

/** The schema, as it is written to dist/config.schema.json. */
export function configSchema(): Schema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'urn:run-foreign:config:1',
    title: 'a configuration of run-foreign',
    description:
      'Options of a start, by their names on the command line: for all programs, and in programs for some. An argument wins over a ' +
      'variable, a variable over this. Relative paths count from where the file lies.',
    type: 'object',
    properties: {
      $schema: { description: 'The address of this schema, for editors.', ...TEXT },
      programs: {
        description:
          'Options for some programs: below a name (tally), a path (/opt/tally, ~/bin/tally), a directory (/opt/old/: all that lies ' +
          'below it) or a URL. What says more of a program wins.',
        type: 'object',
        propertyNames: { pattern: KEY.source.replaceAll('\\0', '\\u0000') },
        additionalProperties: { type: 'object', properties: fieldsOf(FIELDS), additionalProperties: false },
      },
      ...fieldsOf(FIELDS.filter((name) => !ONE_PROGRAM.includes(name))),
    },
    additionalProperties: false,
  };
}
