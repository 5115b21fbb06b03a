// From the places of the bundle to those of the sources.

import assert from 'node:assert/strict';
import { SourceMap } from 'node:module';
import { afterEach, test } from 'node:test';

import { numberAt, packed } from '../fetchlock/packed.js';
import { placeAt, rangesOf } from '../fetchlock/source-map.js';
import { mapped, stackOf } from '../fetchlock/stack.js';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

afterEach(() => {
  delete globalThis.__fetchlockSourceMap;
});

/** A thrown error as the component's interpreter tells it. */
function thrown(message, frames, cause) {
  const error = new RangeError(message, cause === undefined ? undefined : { cause });
  error.stack = `${frames.join('\n')}\n`;
  return error;
}

function mapOf(sources, mappings, code = '') {
  return { file: 'dist/handler.js', sources, ranges: rangesOf(code, mappings) };
}

/** The `mappings` of rows of segments, each [column, source, row, column of the source]. */
function mappingsOf(rows) {
  let before = [0, 0, 0, 0];
  return rows
    .map((segments) => {
      before[0] = 0;
      return segments
        .map((segment) => {
          const steps = segment.map((number, index) => number - before[index]);
          before = [...segment];
          return steps.map(encoded).join('');
        })
        .join(',');
    })
    .join(';');
}

function encoded(number) {
  let rest = number < 0 ? -number * 2 + 1 : number * 2;
  let text = '';
  do {
    text += DIGITS[(rest % 32) + (rest >= 32 ? 32 : 0)];
    rest = Math.floor(rest / 32);
  } while (rest > 0);
  return text;
}

/** Rows of one to three segments that have nothing to do with each other, so that none can be left out. */
function unrelatedRows(count) {
  let seed = 1;
  const below = (limit) => {
    seed = (seed * 48271) % 2147483647;
    return seed % limit;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + below(3) }, (_, index) => [index * 40 + below(40), below(5), below(90_000), below(200)]),
  );
}

test('a stack names the places of the sources, TypeScript too', () => {
  globalThis.__fetchlockSourceMap = mapOf(
    ['fetchlock/handler.js', 'src/handler.ts'],
    mappingsOf([[], [[0, 0, 20, 0]], [[0, 1, 6, 0]], [[2, 1, 9, 4], [20, 1, 10, 8]]]),
  );
  const error = thrown('11 is too much', [
    'inner@dist/handler.js:4:21',
    'handle<@dist/handler.js:4:3',
    'async*decisionOf@dist/handler.js:2:1',
    '@/tmp/build/initializer.js:12:34',
  ]);
  assert.equal(
    stackOf(error),
    [
      'RangeError: 11 is too much',
      '    inner@src/handler.ts:11:9',
      '    handle<@src/handler.ts:10:5',
      '    async*decisionOf@fetchlock/handler.js:21:1',
    ].join('\n'),
  );
});

test('a place is the one that Node finds in the same source map', () => {
  const rows = unrelatedRows(2_000);
  const mappings = mappingsOf(rows);
  const ranges = rangesOf('', mappings);
  const sources = ['0', '1', '2', '3', '4'];
  const oracle = new SourceMap({ version: 3, sources, names: [], mappings });
  for (const [row, segments] of rows.entries()) {
    for (const [column] of segments) {
      const { originalSource, originalLine, originalColumn } = oracle.findEntry(row, column);
      assert.deepEqual(
        placeAt(ranges, row, column),
        { source: Number(originalSource), row: originalLine, column: originalColumn },
        `${row}:${column}`,
      );
    }
  }
});

test('a place between two of the map is as far from the first as in the bundle', () => {
  // Column 0 is 2:4 of the source, column 10 is 5:0.
  const ranges = rangesOf('', mappingsOf([[[0, 0, 2, 4], [10, 0, 5, 0]]]));
  assert.deepEqual(placeAt(ranges, 0, 9), { source: 0, row: 2, column: 13 });
  assert.deepEqual(placeAt(ranges, 0, 12), { source: 0, row: 5, column: 2 });
});

test('the indent of the bundle does not move the place of a statement', () => {
  // esbuild names the place of `call`, 1:8 of the source, for column 0.
  const code = ['if (a) {', '    call(b);'].join('\n');
  const ranges = rangesOf(code, mappingsOf([[[0, 0, 0, 0]], [[0, 0, 1, 8], [9, 0, 1, 13]]]));
  assert.deepEqual(placeAt(ranges, 1, 4), { source: 0, row: 1, column: 8 });
  assert.deepEqual(placeAt(ranges, 1, 8), { source: 0, row: 1, column: 12 });
  assert.deepEqual(placeAt(ranges, 1, 9), { source: 0, row: 1, column: 13 });
});

test('code that has only moved is one range, however long', () => {
  const moved = Array.from({ length: 1_000 }, (_, row) => [[2, 0, row + 7, 0], [8, 0, row + 7, 6]]);
  const ranges = rangesOf('', mappingsOf(moved));
  assert.equal(ranges.count, 1);
  assert.deepEqual(placeAt(ranges, 999, 8), { source: 0, row: 1006, column: 6 });
});

test('what the bundler has added keeps its place', () => {
  const map = mapOf(['src/a.js'], `;${mappingsOf([[[0, 0, 0, 0]]])};;${encoded(4)};`);
  for (const row of [1, 3, 4, 5]) {
    assert.equal(mapped(`added@dist/handler.js:${row}:9`, map), `added@dist/handler.js:${row}:9`);
  }
  assert.equal(mapped('a@dist/handler.js:2:1', map), 'a@src/a.js:1:1');
});

test('a place in another file than the bundle is left as it is', () => {
  assert.equal(mapped('at a (node:internal/x:1:1)', mapOf(['src/a.js'], 'AAAA')), 'at a (node:internal/x:1:1)');
});

test('the last row of a large map costs as little as the first of a small one', () => {
  const digitsRead = (rows) => {
    const ranges = rangesOf('', mappingsOf(rows));
    let count = 0;
    for (const numbers of Object.values(ranges).filter((part) => typeof part === 'object')) {
      const text = numbers.digits;
      numbers.digits = { charCodeAt: (at) => ((count += 1), text.charCodeAt(at)) };
    }
    const [column, source, row, sourceColumn] = rows.at(-1).at(-1);
    assert.deepEqual(placeAt(ranges, rows.length - 1, column), { source, row, column: sourceColumn });
    return count;
  };
  assert.ok(digitsRead(unrelatedRows(10)) < 50);
  assert.ok(digitsRead(unrelatedRows(100_000)) < 150);
});

test('a broken map leaves the stack as it is', () => {
  const whole = mapOf(['src/a.js'], 'AAAA');
  const broken = [
    null,
    'text',
    {},
    { ...whole, ranges: undefined },
    { ...whole, ranges: { ...whole.ranges, sourceRows: undefined } },
    { ...whole, sources: undefined },
    { ...whole, sources: [] },
  ];
  for (const map of broken) {
    globalThis.__fetchlockSourceMap = map;
    assert.equal(
      stackOf(thrown('the real error', ['a@dist/handler.js:1:1'])),
      'RangeError: the real error\n    a@dist/handler.js:1:1',
      JSON.stringify(map),
    );
  }
});

test('of each error the innermost frames are told, fifty at most', () => {
  const deep = (name) => Array.from({ length: 128 }, (_, depth) => `${name}${depth}@dist/handler.js:1:1`);
  const lines = stackOf(thrown('outer', deep('o'), thrown('inner', deep('i')))).split('\n');
  assert.equal(lines.length, 2 * (1 + 50 + 1));
  assert.deepEqual(lines.slice(49, 54), [
    '    o48@dist/handler.js:1:1',
    '    o49@dist/handler.js:1:1',
    '    ... more frames',
    'caused by: RangeError: inner',
    '    i0@dist/handler.js:1:1',
  ]);
});

test('packed numbers are read as they were, each in as many digits as the largest', () => {
  for (const numbers of [[], [0], [0, 63], [64, 1, 0], [4095, 4096, 262_143], [2 ** 31, 5]]) {
    const text = packed(numbers);
    assert.deepEqual(numbers.map((_, index) => numberAt(text, index)), numbers);
    assert.equal(text.digits.length, numbers.length * text.width);
  }
});
