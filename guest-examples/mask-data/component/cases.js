// The cases in plugin/ as tests of Node's own runner: `npm run test:component`. The component itself runs, in the sandbox
// of production; `fetchlock test` builds it first. FETCHLOCK names the binary where it is not on the path.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const command = process.env.FETCHLOCK ?? 'fetchlock';
const { stdout, stderr, error } = spawnSync(command, ['test', '--json', '.'], { encoding: 'utf8', maxBuffer: 64 << 20 });

test('the cases can be run', () => {
  assert.ifError(error);
  assert.notEqual(stdout, '', stderr);
  assert.deepEqual(JSON.parse(stdout).problems, []);
});

for (const each of stdout ? JSON.parse(stdout).cases : []) {
  test(`${each.name}: ${each.description ?? 'is as expected'}`, () => {
    assert.ok(each.passed, [...each.problems, each.diff].join('\n'));
  });
}
