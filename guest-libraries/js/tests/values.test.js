// How values cross: JavaScript to engine, engine to JavaScript, and unharmed in between.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as lib from '../fetchlock/index.js';
import { run } from '../fetchlock/testing.js';
import { fromWire, toWire } from '../fetchlock/values.js';

const { Double, File, Integer, Json, Long, ObjectValue, OffsetDate, Other, Raw, Short, Transient, Xml, handler, raw } = lib;

test('a plain value gets the engine type that fits it', () => {
  const cases = [
    [null, { tag: 'null', val: undefined }],
    [true, { tag: 'boolean', val: true }],
    [2147483647, { tag: 'integer', val: 2147483647 }],
    [2147483648, { tag: 'long', val: 2147483648n }],
    [1.5, { tag: 'double', val: 1.5 }],
    [2 ** 60, { tag: 'double', val: 2 ** 60 }],
    [9007199254740993n, { tag: 'long', val: 9007199254740993n }],
    ['x', { tag: 'text', val: 'x' }],
    [new Date(5), { tag: 'date', val: { unixMillis: 5n, offsetMinutes: 0 } }],
    [new Uint8Array([1, 2]), { tag: 'bytes', val: new Uint8Array([1, 2]) }],
    [[1, 'a'], { tag: 'json', val: '[1,"a"]' }],
    [{ a: new Date(0) }, { tag: 'json', val: '{"a":"1970-01-01T00:00:00.000Z"}' }],
    [new Map([['a', 1]]), { tag: 'json', val: '{"a":1}' }],
  ];
  for (const [value, wire] of cases) {
    assert.deepEqual(toWire(value), wire);
  }
});

test('a wrapper says the engine type', () => {
  const cases = [
    [new Short(5), { tag: 'short', val: 5 }],
    [new Integer(5n), { tag: 'integer', val: 5 }],
    [new Long(5), { tag: 'long', val: 5n }],
    [new Double(5), { tag: 'double', val: 5 }],
    [new Json('x'), { tag: 'json', val: '"x"' }],
    [Json.fromText('{"n":1.0000000000000000001}'), { tag: 'json', val: '{"n":1.0000000000000000001}' }],
    [new Xml('<a/>'), { tag: 'xml', val: '<a/>' }],
    [new ObjectValue('T', 'f', '[]'), { tag: 'object', val: { typeName: 'T', format: 'f', text: '[]' } }],
    [new Other('T', '1'), { tag: 'other', val: { typeName: 'T', value: '1', valueInfo: '{}' } }],
    [new Raw({ tag: 'null', val: 'String' }), { tag: 'null', val: 'String' }],
  ];
  for (const [value, wire] of cases) {
    assert.deepEqual(toWire(value), wire);
  }
});

test('what fits no engine type is refused, with the reason', () => {
  const cases = [
    [() => toWire(NaN), /Double: expected a finite number, found NaN/],
    [() => toWire(2n ** 63n), /Long: expected a number of 64 bits/],
    [() => new Short(40000), /Short: expected a whole number from -32768 to 32767, found 40000/],
    [() => new Long(2 ** 53), /Long: expected a bigint or a whole number below 2\^53/],
    [() => toWire(() => 1), /a function cannot be the value of a variable/],
    [() => toWire(Promise.resolve(1)), /an `await` is missing/],
    [() => toWire(new Date(NaN)), /an invalid Date/],
    [() => new Json(undefined), /expected what JSON can express, found undefined/],
  ];
  for (const [make, message] of cases) {
    assert.throws(make, message);
  }
});

test('a date keeps the offset that it is written with', () => {
  const date = fromWire({ tag: 'date', val: { unixMillis: 1767268800000n, offsetMinutes: -210 } });
  assert.equal(date.toString(), '2026-01-01T08:30:00.000-03:30');
  assert.equal(date.toISOString(), '2026-01-01T12:00:00.000Z');
  assert.deepEqual(toWire(date), { tag: 'date', val: { unixMillis: 1767268800000n, offsetMinutes: -210 } });
  assert.equal(new OffsetDate('2026-01-01T12:00:00+02:00').offsetMinutes, 120);
});

test('every value that is read and returned stays as it was', async () => {
  const given = {
    null: null,
    typedNull: new Raw({ tag: 'null', val: 'String' }),
    short: new Short(-1),
    long: 5n,
    double: new Double(5),
    date: new OffsetDate('2026-01-01T12:00:00+02:00'),
    bytes: new Uint8Array([0, 255]),
    file: new File('a.txt', 'content', { mimeType: 'text/plain', encoding: 'UTF-8' }),
    json: Json.fromText('{"n":1.0000000000000000001}'),
    xml: new Xml('<a/>'),
    object: new ObjectValue('T', 'application/json', '[]'),
    other: new Other('Strange', '{"a":1}'),
  };
  let sent;
  const handle = handler(async () => {
    sent = lib.variables.names().map((name) => [name, lib.variables.raw(name).toWire()]);
    return Object.fromEntries(sent.map(([name, wire]) => [name, new Raw(wire)]));
  });
  const { outcome } = await run(handle, { variables: given });
  assert.equal(outcome, 'complete');
  for (const [name, wire] of sent.filter(([each]) => each !== 'file')) {
    assert.deepEqual(wire, toWire(given[name]), name);
  }
});

test('a file is loaded when it is asked for, and passed on without', async () => {
  const loads = [];
  const load = (name) => loads.push(name) && undefined;
  const variables = { file: new File('ä.txt', new Uint8Array([0xe4]), { encoding: 'iso-8859-1' }) };
  const pass = handler({ file: 'file' }, (task, { file }) => ({ file }));
  const result = await run(pass, { variables, load });
  assert.deepEqual(loads, []);
  assert.equal(result.variables.file.text(), 'ä');
  const read = handler({ file: 'file' }, (task, { file }) => ({ text: file.text(), again: file.text() }));
  assert.equal((await run(read, { variables, load })).variables.text, 'ä');
  assert.deepEqual(loads, ['file']);
});

test('a file that cannot be loaded is a failure that says so', async () => {
  const read = handler({ file: 'file' }, (task, { file }) => ({ text: file.text() }));
  const load = () => ({ error: 'unavailable', text: 'no answer' });
  const { outcome, message } = await run(read, { variables: { file: new File('a', 'x') }, load });
  assert.deepEqual([outcome, message], ['failure', 'LoadError: load of variable `file`: unavailable: no answer']);
});

test('transient is told to the engine', async () => {
  let decided;
  const handle = handler(() => {
    const { complete } = raw.outcome;
    raw.outcome.complete = (variables, local) => complete((decided = variables), local);
    return { a: new Transient(1), b: 2 };
  });
  await run(handle);
  assert.deepEqual(decided.map(({ name, transient }) => [name, transient]), [['a', true], ['b', false]]);
});
