// The variables of a task as the input of a handler: all of them as they are, or those that it names, checked.

import { shown } from './checks.js';
import { messageOf } from './errors.js';
import { host } from './inside.js';
import { Raw, fromWire } from './values.js';

const NUMBERS = ['short', 'integer', 'long', 'double'];
const WHOLE = ['short', 'integer', 'long'];

// For each kind: how a message calls it, the values that it takes, and how they are read.
const KINDS = {
  string: { name: 'a string (String)', tags: ['text'] },
  number: { name: 'a number (Short, Integer, Long or Double)', tags: NUMBERS, read: exactNumber },
  integer: { name: 'a whole number (Short, Integer or Long)', tags: WHOLE, read: exactNumber },
  bigint: { name: 'a whole number (Short, Integer or Long)', tags: WHOLE, read: ({ val }) => BigInt(val) },
  boolean: { name: 'a truth value (Boolean)', tags: ['boolean'] },
  date: { name: 'a date (Date)', tags: ['date'] },
  bytes: { name: 'bytes (Bytes)', tags: ['bytes'] },
  file: { name: 'a file (File)', tags: ['file'] },
  json: { name: 'a JSON document (Json)', tags: ['json'] },
  xml: { name: 'an XML document (Xml)', tags: ['xml'] },
  object: { name: 'a serialised object (Object)', tags: ['object'] },
  any: { name: 'a value' },
  raw: { name: 'a value', read: (wire) => new Raw(wire) },
};

function exactNumber({ val }) {
  const number = Number(val);
  if (typeof val === 'bigint' && BigInt(number) !== val) {
    throw new RangeError(`${val} is a Long that a number cannot hold exactly; read it as "bigint"`);
  }
  return number;
}

/** How one variable is read. */
class Reader {
  constructor(kind, isOptional, convert) {
    this.kind = kind;
    this.isOptional = isOptional;
    this.convert = convert;
    Object.freeze(this);
  }
}

/** A Json variable, checked or converted by `convert`. */
export function json(convert) {
  return new Reader('json', false, convert);
}

/** The same, for a variable that may be missing or null. */
export function optional(reader) {
  const { kind, convert } = toReader(reader, 'optional');
  return new Reader(kind, true, convert);
}

function toReader(given, name) {
  if (given instanceof Reader) {
    return given;
  }
  if (typeof given === 'function') {
    return new Reader('any', false, given);
  }
  const [, kind, mark] = /^(\w+)(\??)$/.exec(given) ?? [];
  if (!Object.hasOwn(KINDS, kind)) {
    throw new TypeError(
      `input \`${name}\`: expected a kind (${Object.keys(KINDS).join(', ')}; with ? if it may be missing), json(), ` +
        `optional() or a function, found ${shown(given)}`,
    );
  }
  return new Reader(kind, mark === '?', undefined);
}

/** The function that reads the input of one invocation. Mistakes in the schema are told when the component is built. */
export function inputReader(schema) {
  if (schema === undefined) {
    return allVariables;
  }
  const readers = Object.entries(schema).map(([name, given]) => [name, toReader(given, name)]);
  return () => namedVariables(readers);
}

// Each value crosses into the handler when it is first asked for, as it may be large.
function allVariables() {
  const { variables } = host('the input');
  const input = {};
  for (const name of variables.names()) {
    const get = () => {
      const value = natural(name, variables.get(name));
      Object.defineProperty(input, name, { value, enumerable: true, writable: true });
      return value;
    };
    Object.defineProperty(input, name, { get, enumerable: true, configurable: true });
  }
  return input;
}

function natural(name, wire) {
  try {
    return fromWire(wire);
  } catch (error) {
    throw new TypeError(`variable \`${name}\`: ${error.message}`, { cause: error });
  }
}

function namedVariables(readers) {
  const { variables } = host('the input');
  const wires = variables.getMany(readers.map(([name]) => name));
  const problems = [];
  const input = {};
  readers.forEach(([name, reader], index) => {
    try {
      input[name] = readOne(name, reader, wires[index], variables);
    } catch (error) {
      problems.push(`variable \`${name}\`: ${error instanceof Mismatch ? error.message : messageOf(error)}`);
    }
  });
  if (problems.length > 0) {
    throw new InputError(problems.join('; '));
  }
  return input;
}

/** The variables are not what the handler needs. */
export class InputError extends Error {
  constructor(message) {
    super(message);
    this.name = 'InputError';
  }
}

class Mismatch extends Error {}

function readOne(name, { kind, isOptional, convert }, wire, variables) {
  const { name: expected, tags, read = fromWire } = KINDS[kind];
  if (wire === undefined || (wire.tag === 'null' && kind !== 'raw')) {
    if (isOptional) {
      return undefined;
    }
    if (wire === undefined) {
      throw new Mismatch(`expected ${expected}, found no such variable (does \`variables\` of the manifest name it?)`);
    }
  }
  const isFitting = tags === undefined ? wire.tag !== 'null' || kind === 'raw' : tags.includes(wire.tag);
  if (!isFitting) {
    const found = wire.tag === 'null' ? 'no value (Null)' : variables.typeName(name);
    throw new Mismatch(`expected ${expected}, found ${found}`);
  }
  const value = read(wire);
  return convert === undefined ? value : convert(value, name);
}
