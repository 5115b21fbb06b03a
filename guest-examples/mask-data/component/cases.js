// The cases in plugin/ as tests of Node's own runner: `npm run test:component`. The component itself runs, in the sandbox
// of production; `fetchlock test` builds it first. FETCHLOCK names the binary where it is not on the path.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const command = process.env.FETCHLOCK ?? 'fetchlock';
// On standard error stands what the compiler says.
const { stdout, error } = spawnSync(command, ['test', '--json', '.'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  encoding: 'utf8',
  maxBuffer: 64 << 20,
});

test('the cases can be run', () => {
  assert.ifError(error);
  assert.notEqual(stdout, '', 'fetchlock test: what it says is on standard error');
  assert.deepEqual(JSON.parse(stdout).problems, []);
});

for (const each of stdout ? JSON.parse(stdout).cases : []) {
  test(`${each.name}: ${each.description ?? 'is as expected'}`, () => {
    assert.ok(each.passed, [...each.problems, each.diff].join('\n'));
  });
}
