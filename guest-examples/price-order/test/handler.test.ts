// Tests of the handler alone, without a build: `npm test`.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { run } from 'fetchlock/test';
import { handle } from '../src/handler';
import { priceOf } from '../src/price';

const order = { country: 'DE', items: [{ sku: 'tea', quantity: 3, price: 4.1 }] };
const config = { 'tax-service': 'https://tax.example.com' };

test('tax is added to the sum of the items, exact to the cent', () => {
  assert.deepEqual(priceOf(order, 0.19), { net: 12.3, tax: 2.34, total: 14.64 });
});

test('the rate is asked for by the country of the order', async () => {
  const fetch = () => Response.json({ rate: 0.19 });
  const result = await run(handle, { variables: { order }, config, fetch });
  assert.equal(result.outcome, 'complete');
  assert.equal(result.variables.total, 14.64);
  assert.deepEqual(result.calls, [{ call: 'fetch', method: 'GET', url: 'https://tax.example.com/rates/DE' }]);
});

test('a country that the service does not know is a business error', async () => {
  const fetch = () => new Response('', { status: 404 });
  const result = await run(handle, { variables: { order }, config, fetch });
  assert.equal(result.code, 'UNKNOWN_COUNTRY');
});

test('a service that is down uses up no retry', async () => {
  const fetch = () => new Response('', { status: 503 });
  const result = await run(handle, { variables: { order }, config, fetch });
  assert.equal(result.retry, 'system-down');
});

test('a service that wants to be left alone is, for a number of seconds, until a date, or for a minute', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 31, 12, 0, 0) });
  const delays: [Record<string, string>, number][] = [
    [{ 'retry-after': '30' }, 30_000],
    [{ 'retry-after': 'Sat, 31 Jan 2026 12:01:30 GMT' }, 90_000],
    [{ 'retry-after': 'Sat, 31 Jan 2026 11:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, 60_000],
    [{}, 60_000],
  ];
  for (const [headers, delay] of delays) {
    const fetch = () => new Response('', { status: 429, headers });
    const result = await run(handle, { variables: { order }, config, fetch });
    assert.deepEqual(result.retry, { left: 3, delay });
  }
});

test('an order without items is a failure that names the variable', async () => {
  const result = await run(handle, { variables: { order: { country: 'DE', items: [] } }, config });
  assert.equal(result.outcome, 'failure');
  assert.match(result.message ?? '', /variable `order`: expected `items`/);
});
