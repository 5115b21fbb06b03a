// Tests of the handler alone, without a build: `npm test`.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { run } from 'fetchlock/test';
import { handle } from '../src/handler';

test('an amount within the limit is approved', async () => {
  const result = await run(handle, { variables: { amount: 42, customer: 'Ada' } });
  assert.equal(result.outcome, 'complete');
  assert.deepEqual(result.variables, { approved: true, message: 'Thank you, Ada' });
});

test('an amount above the limit is a business error', async () => {
  const result = await run(handle, { variables: { amount: 42, customer: 'Ada' }, config: { limit: 10 } });
  assert.equal(result.outcome, 'bpmn-error');
  assert.equal(result.code, 'TOO_MUCH');
});
