// Values on their way between JavaScript and the engine. What a class here wraps has the engine type of its name; all
// else gets the type that fits it.

import { shown, string, text } from './checks.js';
import { File } from './file.js';

const MAX_DATE = 8_640_000_000_000_000n;

/** A 16-bit number: `Short`. */
export class Short {
  constructor(value) {
    this.value = whole(value, -32768, 32767, 'Short');
    Object.freeze(this);
  }

  toWire() {
    return { tag: 'short', val: this.value };
  }
}

/** A 32-bit number: `Integer`. */
export class Integer {
  constructor(value) {
    this.value = whole(value, -2147483648, 2147483647, 'Integer');
    Object.freeze(this);
  }

  toWire() {
    return { tag: 'integer', val: this.value };
  }
}

/** A 64-bit number: `Long`. */
export class Long {
  constructor(value) {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw new RangeError(`Long: expected a bigint or a whole number below 2^53, found ${shown(value)}`);
    }
    if (typeof value !== 'number' && typeof value !== 'bigint') {
      throw new TypeError(`Long: expected a bigint or a whole number, found ${shown(value)}`);
    }
    this.value = BigInt(value);
    if (BigInt.asIntN(64, this.value) !== this.value) {
      throw new RangeError(`Long: expected a number of 64 bits, found ${this.value}`);
    }
    Object.freeze(this);
  }

  toWire() {
    return { tag: 'long', val: this.value };
  }
}

/** A floating point number, be it a whole one: `Double`. */
export class Double {
  constructor(value) {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new RangeError(`Double: expected a finite number, found ${shown(value)}`);
    }
    this.value = value;
    Object.freeze(this);
  }

  toWire() {
    return { tag: 'double', val: this.value };
  }
}

/** A JSON document: `Json`. */
export class Json {
  constructor(value) {
    const written = JSON.stringify(value);
    if (written === undefined) {
      throw new TypeError(`Json: expected what JSON can express, found ${shown(value)}`);
    }
    this.text = written;
    Object.freeze(this);
  }

  /** Of its text, which is kept to the letter. */
  static fromText(written) {
    const json = Object.create(Json.prototype);
    json.text = string(written, 'Json.fromText');
    return Object.freeze(json);
  }

  get value() {
    return JSON.parse(this.text);
  }

  toWire() {
    return { tag: 'json', val: this.text };
  }
}

/** An XML document: `Xml`. */
export class Xml {
  constructor(written) {
    this.text = string(written, 'Xml');
    Object.freeze(this);
  }

  toString() {
    return this.text;
  }

  toWire() {
    return { tag: 'xml', val: this.text };
  }
}

/** A serialised object of the engine's side: `Object`. */
export class ObjectValue {
  constructor(typeName, format, written) {
    this.typeName = text(typeName, 'ObjectValue typeName');
    this.format = text(format, 'ObjectValue format');
    this.text = string(written, 'ObjectValue text');
    Object.freeze(this);
  }

  /** The content of an object that is serialised as JSON. */
  json() {
    return JSON.parse(this.text);
  }

  toWire() {
    return { tag: 'object', val: { typeName: this.typeName, format: this.format, text: this.text } };
  }
}

/** A value of a type that this library does not know. */
export class Other {
  constructor(typeName, value, valueInfo = '{}') {
    this.typeName = text(typeName, 'Other typeName');
    this.value = string(value, 'Other value');
    this.valueInfo = string(valueInfo, 'Other valueInfo');
    Object.freeze(this);
  }

  toWire() {
    return { tag: 'other', val: { typeName: this.typeName, value: this.value, valueInfo: this.valueInfo } };
  }
}

/** A value exactly as the contract has it; passes on unharmed whatever it is. */
export class Raw {
  constructor(wire) {
    this.tag = text(wire?.tag, 'Raw tag');
    this.val = wire.val;
    Object.freeze(this);
  }

  toWire() {
    return { tag: this.tag, val: this.val };
  }
}

/** A variable that is usable within the engine's transaction and not stored. */
export class Transient {
  constructor(value) {
    this.value = value;
    Object.freeze(this);
  }
}

/** A point in time with the offset that it is written with. */
export class OffsetDate extends Date {
  constructor(moment, offsetMinutes) {
    super(moment);
    this.offsetMinutes = offsetMinutes ?? offsetIn(moment);
    if (Math.abs(this.offsetMinutes) >= 1440 || !Number.isInteger(this.offsetMinutes)) {
      throw new RangeError(`OffsetDate: expected an offset of less than a day in minutes, found ${offsetMinutes}`);
    }
  }

  /** ISO 8601 by the clock of the offset, such as `2026-01-01T14:00:00.000+02:00`. */
  toString() {
    if (Number.isNaN(this.getTime())) {
      return 'Invalid Date';
    }
    const clock = new Date(this.getTime() + this.offsetMinutes * 60_000).toISOString().slice(0, -1);
    if (this.offsetMinutes === 0) {
      return `${clock}Z`;
    }
    const minutes = Math.abs(this.offsetMinutes);
    const two = (number) => String(number).padStart(2, '0');
    return `${clock}${this.offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  }

  toJSON() {
    return Number.isNaN(this.getTime()) ? null : this.toString();
  }
}

function offsetIn(moment) {
  const found = typeof moment === 'string' ? /([+-])(\d\d):?(\d\d)$/.exec(moment.trim()) : null;
  if (moment instanceof OffsetDate) {
    return moment.offsetMinutes;
  }
  return found === null ? 0 : Number(`${found[1]}1`) * (Number(found[2]) * 60 + Number(found[3]));
}

function whole(value, least, greatest, name) {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > greatest) {
    throw new RangeError(`${name}: expected a whole number from ${least} to ${greatest}, found ${shown(value)}`);
  }
  return number;
}

const WRAPPERS = [Short, Integer, Long, Double, Json, Xml, ObjectValue, Other, Raw, File];

/** Whether a value stands for one engine value, and is no set of variables. */
export function isSingle(value) {
  return (
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    value instanceof Date ||
    value instanceof Transient ||
    isBytes(value) ||
    WRAPPERS.some((wrapper) => value instanceof wrapper)
  );
}

// Bytes that come from the host are of another realm, where `instanceof` is false.
function isBytes(value) {
  return ArrayBuffer.isView(value) || Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

/** Bytes as a Uint8Array of our own realm. */
export function bytesOf(value) {
  if (!ArrayBuffer.isView(value)) {
    return new Uint8Array(value);
  }
  return new Uint8Array(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength));
}

/** The engine value of a JavaScript value. */
export function toWire(value) {
  switch (typeof value) {
    case 'boolean':
      return { tag: 'boolean', val: value };
    case 'number':
      return numberToWire(value);
    case 'bigint':
      return new Long(value).toWire();
    case 'string':
      return { tag: 'text', val: value };
    case 'object':
      return value === null ? { tag: 'null', val: undefined } : objectToWire(value);
    default:
      throw new TypeError(`${shown(value)} cannot be the value of a variable`);
  }
}

function numberToWire(value) {
  if (!Number.isSafeInteger(value)) {
    return new Double(value).toWire();
  }
  const fits = value >= -2147483648 && value <= 2147483647;
  return fits ? { tag: 'integer', val: value } : { tag: 'long', val: BigInt(value) };
}

function objectToWire(value) {
  if (WRAPPERS.some((wrapper) => value instanceof wrapper)) {
    return value.toWire();
  }
  if (value instanceof Date) {
    const millis = value.getTime();
    if (Number.isNaN(millis)) {
      throw new RangeError('an invalid Date cannot be the value of a variable');
    }
    return { tag: 'date', val: { unixMillis: BigInt(millis), offsetMinutes: value.offsetMinutes ?? 0 } };
  }
  if (isBytes(value)) {
    return { tag: 'bytes', val: bytesOf(value) };
  }
  if (value instanceof Promise) {
    throw new TypeError('a promise cannot be the value of a variable: an `await` is missing');
  }
  return new Json(value instanceof Map ? Object.fromEntries(value) : value).toWire();
}

/** The JavaScript value of an engine value. */
export function fromWire({ tag, val }) {
  switch (tag) {
    case 'null':
      return null;
    case 'date':
      return dateFromWire(val);
    case 'bytes':
      return bytesOf(val);
    case 'file':
      return File.fromWire(val);
    case 'json':
      return JSON.parse(val);
    case 'xml':
      return new Xml(val);
    case 'object':
      return new ObjectValue(val.typeName, val.format, val.text);
    case 'other':
      return new Other(val.typeName, val.value, val.valueInfo);
    default:
      return val;
  }
}

function dateFromWire({ unixMillis, offsetMinutes }) {
  if (unixMillis > MAX_DATE || unixMillis < -MAX_DATE) {
    throw new RangeError('the date is beyond what a Date can hold; read it as "raw"');
  }
  return new OffsetDate(Number(unixMillis), offsetMinutes);
}

/** The list of variables that the contract wants, of an object of names and values. `undefined` is left out. */
export function toVariables(values, what) {
  if (values === undefined || values === null) {
    return [];
  }
  if (isSingle(values)) {
    throw new TypeError(`${what}: expected an object of variables, found ${shown(values)}`);
  }
  const entries = values instanceof Map ? [...values] : Object.entries(values);
  return entries.filter(([, value]) => value !== undefined).map(([name, value]) => variable(name, value, what));
}

function variable(name, value, what) {
  const transient = value instanceof Transient;
  try {
    return { name, value: toWire(transient ? value.value : value), transient };
  } catch (error) {
    throw new TypeError(`${what}: variable \`${name}\`: ${error.message}`, { cause: error });
  }
}
