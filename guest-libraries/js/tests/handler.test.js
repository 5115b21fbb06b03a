// From what a handler returns or throws to the one decision.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BpmnError, Failure, Outcome, Raw, config, extendLock, handler, json, log, optional, raw, setProgress } from '../fetchlock/index.js';
import { correlateMessage, startProcess } from '../fetchlock/engine.js';
import { run } from '../fetchlock/testing.js';

const ending = async (body, options) => {
  const { log: _, calls, details, ...result } = await run(handler(body), options);
  return result;
};

test('an object completes the task with variables, without those that are undefined', async () => {
  const { outcome, variables } = await ending(async () => ({ a: 1, b: undefined, c: null }));
  assert.deepEqual([outcome, variables], ['complete', { a: 1, c: null }]);
});

test('nothing completes the task without variables', async () => {
  const { outcome, variables } = await ending(() => {});
  assert.deepEqual([outcome, variables], ['complete', {}]);
});

test('an outcome says the rest', async () => {
  const cases = [
    [Outcome.complete({ a: 1 }, { b: 2 }), { outcome: 'complete', variables: { a: 1 }, localVariables: { b: 2 } }],
    [Outcome.unlock('1h 30m'), { outcome: 'unlock', delay: 5_400_000 }],
    [Outcome.handOff('PT5M'), { outcome: 'hand-off', duration: 300_000 }],
  ];
  for (const [outcome, expected] of cases) {
    assert.deepEqual(await ending(() => outcome), { ...expected, error: undefined });
  }
});

test('a thrown error is a failure with its stack and its causes as details', async () => {
  const handle = handler(async function check() {
    throw new TypeError('outer', { cause: new Error('inner') });
  });
  const { outcome, message, details, retry } = await run(handle);
  assert.deepEqual([outcome, message, retry], ['failure', 'TypeError: outer', 'policy']);
  assert.match(details, /^TypeError: outer\n {4}at check .*handler\.test\.js[^]*caused by: Error: inner\n {4}at check /);
});

test('what is thrown need not be an error', async () => {
  assert.equal((await ending(() => { throw 'text'; })).message, 'text');
  assert.equal((await ending(() => { throw { payload: { tag: 'unavailable', val: 'no answer' } }; })).message, 'unavailable: no answer');
  assert.equal((await ending(() => { throw undefined; })).message, 'undefined');
});

test('a Failure says what happens next', async () => {
  const throwing = (options) => () => { throw new Failure('m', options); };
  assert.equal((await ending(throwing({ retry: 'never' }))).retry, 'never');
  assert.equal((await ending(throwing({ retry: 'system-down' }))).retry, 'system-down');
  assert.deepEqual((await ending(throwing({ retry: { left: 2, delay: '5m' } }))).retry, { left: 2, delay: 300_000 });
  const { variables, localVariables } = await ending(throwing({ variables: { a: 1 }, localVariables: { b: 2 } }));
  assert.deepEqual([variables, localVariables], [{ a: 1 }, { b: 2 }]);
});

test('a BpmnError is a business error, thrown or returned', async () => {
  const expected = { outcome: 'bpmn-error', code: 'NO', message: 'no', variables: { a: 1 }, error: undefined };
  assert.deepEqual(await ending(() => { throw new BpmnError('NO', 'no', { a: 1 }); }), expected);
  assert.deepEqual(await ending(() => new BpmnError('NO', 'no', { a: 1 })), expected);
});

test('a code that the manifest does not list is a failure that tells it', async () => {
  const { outcome, message } = await ending(() => { throw new BpmnError('NO'); }, { bpmnErrors: ['YES'] });
  assert.equal(outcome, 'failure');
  assert.equal(message, 'the host refused the outcome (bpmn-error): the BPMN error code `NO` is not in `bpmn-errors`');
});

test('variables that cannot be sent are a failure that names them', async () => {
  assert.equal(
    (await ending(() => ({ a: () => 1 }))).message,
    'TypeError: result of the handler: variable `a`: a function cannot be the value of a variable',
  );
  assert.match((await ending(() => ({ a: new Raw({ tag: 'double', val: NaN }) }))).message, /`a` is no finite number/);
  assert.equal(
    (await ending(() => { throw new BpmnError('NO', 'no', { a: NaN }); })).message,
    'TypeError: BpmnError: variable `a`: Double: expected a finite number, found NaN',
  );
});

test('a result that is no set of variables is a failure', async () => {
  for (const [result, shown] of [['text', '"text"'], [[1], 'an array'], [new Date(0), 'a Date'], [5n, '5n']]) {
    assert.equal(
      (await ending(() => result)).message,
      `TypeError: the handler returned ${shown}: expected an object of variables, an Outcome or nothing`,
    );
  }
});

test('a decision through the raw interface stands', async () => {
  const decide = () => raw.outcome.complete([{ name: 'a', value: { tag: 'integer', val: 1 }, transient: false }], []);
  assert.deepEqual((await ending(decide)).variables, { a: 1 });
  assert.deepEqual((await ending(() => decide() ?? Outcome.decided())).error, undefined);
  const { variables, error } = await ending(() => decide() ?? { b: 2 });
  assert.deepEqual(variables, { a: 1 });
  assert.match(error, /^the handler had decided before/);
});

test('input that does not fit is told at once: each variable, what was expected and found', async () => {
  const schema = { amount: 'number', customer: 'string', id: 'bigint', order: json(), note: 'string?', none: 'boolean' };
  const handle = handler(schema, () => ({}));
  const { message } = await run(handle, { variables: { amount: 'x', id: 1.5, order: null, note: true, none: false } });
  assert.deepEqual(message.split('; '), [
    'InputError: variable `amount`: expected a number (Short, Integer, Long or Double), found String',
    'variable `customer`: expected a string (String), found no such variable (does `variables` of the manifest name it?)',
    'variable `id`: expected a whole number (Short, Integer or Long), found Double',
    'variable `order`: expected a JSON document (Json), found no value (Null)',
    'variable `note`: expected a string (String), found Boolean',
  ]);
});

test('a schema reads what it names', async () => {
  const schema = {
    long: 'number',
    big: 'bigint',
    order: json(({ items }) => items.length),
    upper: (value) => value.toUpperCase(),
    missing: 'string?',
    empty: optional(json()),
    any: 'any?',
  };
  let seen;
  await run(handler(schema, (task, input) => { seen = input; }), {
    variables: { long: 5n, big: 5, order: { items: [1, 2] }, upper: 'x', empty: null },
  });
  assert.deepEqual(seen, {
    long: 5, big: 5n, order: 2, upper: 'X', missing: undefined, empty: undefined, any: undefined,
  });
});

test('a Long that a number cannot hold is no number', async () => {
  const { message } = await run(handler({ n: 'number' }, () => ({})), { variables: { n: 9007199254740993n } });
  assert.match(message, /variable `n`: .*9007199254740993 is a Long that a number cannot hold exactly; read it as "bigint"/);
});

test('a Long is a number if that holds it exactly, however large it is', async () => {
  const read = (n) => run(handler({ n: 'number' }, (task, input) => input), { variables: { n } });
  for (const exact of [2n ** 53n, 10n ** 17n, -(2n ** 63n)]) {
    assert.deepEqual((await read(exact)).variables, { n: Number(exact) });
  }
  for (const between of [2n ** 53n + 1n, 10n ** 17n + 1n, 2n ** 63n - 1n]) {
    assert.match((await read(between)).message, /cannot hold exactly/);
  }
});

test('without a schema the input has all variables', async () => {
  const body = (task, { a, ...rest }) => ({ a, rest: Object.keys(rest) });
  assert.deepEqual((await ending(body, { variables: { a: 1, b: 2, c: 3 } })).variables, { a: 1, rest: ['b', 'c'] });
});

test('a mistake in the schema is told when the module is loaded', () => {
  assert.throws(() => handler({ a: 'strng' }, () => {}), /input `a`: expected a kind \(string, number, .*found "strng"/);
  assert.throws(() => handler('x'), /handler: expected handler\(async/);
});

test('what needs an invocation says so outside of one', () => {
  for (const call of [() => config.get('a'), () => log.info('a'), () => extendLock(1), () => startProcess('a')]) {
    assert.throws(call, /was called outside of a handler: what stands at the top level of a module runs once/);
  }
});

test('the task tells what the engine tells', async () => {
  let seen;
  await run(handler((task) => { seen = task; }), {
    task: { businessKey: 'b', priority: 7, createTime: new Date(5), extensionProperties: { color: 'red' } },
  });
  assert.deepEqual(
    [seen.businessKey, seen.priority, seen.createTime.getTime(), seen.extensionProperties.color, seen.tenantId],
    ['b', 7, 5, 'red', undefined],
  );
});

test('calls of the host are made, and their refusals are errors with a kind', async () => {
  const handle = handler(() => {
    extendLock('2m');
    setProgress({ percent: 50 }, { scope: 'local' });
    log.warn('w', { a: 1, b: { c: 2 } });
    return { keys: config.keys(), value: config.get('k') };
  });
  const result = await run(handle, { config: { k: 1 } });
  assert.deepEqual(result.variables, { keys: ['k'], value: '1' });
  assert.deepEqual(result.log, [{ level: 'warn', message: 'w', fields: { a: '1', b: '{"c":2}' } }]);
  assert.deepEqual(result.calls, [
    { call: 'extendLock', duration: 120_000 },
    { call: 'setProgress', variables: { percent: 50 }, scope: 'local' },
  ]);
  const lost = await run(handle, { extendLock: () => ({ error: 'lock-lost' }) });
  assert.equal(lost.message, 'LockError: extendLock: lock-lost: somebody else holds the task now, or it is gone');
});

test('a setting is read as a number, of which there may be none', async () => {
  const read = async (settings, ...fallback) => {
    const body = () => ({ read: config.number('limit', ...fallback) });
    const { variables, message } = await ending(body, { config: settings });
    return message ?? variables.read;
  };
  assert.equal(await read({ limit: '12.5' }), 12.5);
  assert.equal(await read({ limit: ' -3e2\n' }, 1000), -300);
  assert.equal(await read({ limit: '0' }, 1000), 0);
  assert.equal(await read({}, 1000), 1000);
  assert.equal(await read({}, 0), 0);
  assert.match(await read({}), /^the setting `limit` is missing: add it to \[config\]/);
  for (const limit of ['abc', '', ' \t', '1,000', '10 EUR', 'NaN', 'Infinity', '1e999']) {
    const told = `the setting \`limit\` is "${limit}": expected a number`;
    assert.deepEqual([await read({ limit }), await read({ limit }, 1000)], [told, told]);
  }
});

test('processes are started and messages sent', async () => {
  const handle = handler(() => ({
    start: startProcess('invoice', { businessKey: 'b', variables: { a: 1 }, unlessRunning: true }),
    sent: correlateMessage('Paid', { processInstanceId: 'p', correlationKeys: { k: 1 } }),
  }));
  const result = await run(handle, {
    startProcess: () => ({ id: 'p1', started: false }),
    correlateMessage: () => [{ id: 'p2', started: true }],
  });
  assert.deepEqual(result.variables, { start: { id: 'p1', started: false }, sent: [{ id: 'p2', started: true }] });
  assert.equal(result.calls[0].key, 'invoice');
  const denied = await run(handle);
  assert.match(denied.message, /^StartError: start of process `invoice`: denied: /);
});

test('a misspelt option is told', async () => {
  const { message } = await ending(() => { throw new Failure('m', { retires: 'never' }); });
  assert.equal(message, 'TypeError: Failure knows no option retires; it knows details, retry, variables, localVariables, cause');
});

test('a fetch that the test does not answer never reaches the network', async () => {
  const handle = handler(async () => { await fetch('https://example.com/a'); });
  assert.match((await run(handle)).message, /^fetch of https:\/\/example.com\/a: this run has no fetch/);
});

test('runs do not see each other', async () => {
  const handle = handler({ n: 'number' }, async (task, { n }) => {
    await new Promise((done) => setTimeout(done, n));
    return { n, limit: config.get('limit') };
  });
  const results = await Promise.all([3, 1, 2].map((n) => run(handle, { variables: { n }, config: { limit: n } })));
  assert.deepEqual(results.map(({ variables }) => variables.limit), ['3', '1', '2']);
});
