// Tests of the handler alone, without a build: `node --test`.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { run } from 'fetchlock/test';
import { handle } from '../src/handler.js';
import { mask } from '../src/mask.js';

test('each way keeps what it says', () => {
  const data = { name: 'Ada Lovelace', iban: 'DE89370400440532013000', born: '1815-12-10', mail: 'ada@example.com' };
  const rules = [['name', 'initials'], ['iban', 'last4'], ['born', 'year'], ['mail', 'hide']];
  assert.deepEqual(mask(data, rules), {
    masked: { name: 'A. L.', iban: '******************3000', born: '1815', mail: '***' },
    count: 4,
  });
});

test('a star stands for each member, and what is not there is not masked', () => {
  const data = { orders: [{ card: '4111111111111111' }, { card: null }, {}] };
  assert.deepEqual(mask(data, [['orders.*.card', 'last4'], ['nobody.home', 'hide']]), {
    masked: { orders: [{ card: '************1111' }, { card: null }, {}] },
    count: 1,
  });
});

test('the rules come from the settings', async () => {
  const result = await run(handle, { variables: { data: { name: 'Ada' } }, config: { name: 'hide' } });
  assert.deepEqual(result.variables, { masked: { name: '***' }, maskedCount: 1 });
});

test('an unknown way is told and not tried again', async () => {
  const result = await run(handle, { variables: { data: {} }, config: { name: 'shred' } });
  assert.equal(result.message, '[config] of the manifest: `name`: expected hide, initials, last4, year, found "shred"');
  assert.equal(result.retry, 'never');
});
