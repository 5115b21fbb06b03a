// The source map of the bundle as ranges. Node makes them when the component is built (`rangesOf`); the component only
// looks one up (`placeAt`), as its interpreter would take up to a second and more to decode a source map.
//
// A range begins at a row and a column of the bundle and ends where the next one begins. All of it is from one source
// and has moved by the same distance, so code that esbuild has only indented is one range.

import { numberAt, packed } from './packed.js';

// The number of what esbuild has added itself; sources are counted from 1.
const NO_SOURCE = 0;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The ranges of a bundle, from its text and what its source map has as `mappings`. */
export function rangesOf(code, mappings) {
  const ranges = rangesWithin(segmentsOf(code, mappings));
  const part = (name) => packed(ranges.map((range) => range[name]));
  return {
    count: ranges.length,
    rows: part('row'),
    columns: part('column'),
    sources: part('source'),
    sourceRows: part('sourceRow'),
    sourceColumns: part('sourceColumn'),
  };
}

/** Where a place of the bundle is in the sources, all counted from 0; undefined if it is in none. */
export function placeAt(ranges, row, column) {
  const index = rangeAt(ranges, row, column);
  const source = index < 0 ? NO_SOURCE : numberAt(ranges.sources, index);
  if (source === NO_SOURCE) {
    return undefined;
  }
  return {
    source: source - 1,
    row: row - numberAt(ranges.rows, index) + numberAt(ranges.sourceRows, index),
    column: column - numberAt(ranges.columns, index) + numberAt(ranges.sourceColumns, index),
  };
}

// The last range that begins there or before, found by halving; -1 if there is none.
function rangeAt({ count, rows, columns }, row, column) {
  let before = -1;
  let after = count;
  while (after - before > 1) {
    const middle = (before + after) >> 1;
    const rowsOn = numberAt(rows, middle) - row;
    if (rowsOn < 0 || (rowsOn === 0 && numberAt(columns, middle) <= column)) {
      before = middle;
    } else {
      after = middle;
    }
  }
  return before;
}

function rangesWithin(segments) {
  const ranges = [];
  for (const segment of segments) {
    if (!isWithin(segment, ranges.at(-1))) {
      ranges.push(segment);
    }
  }
  return ranges;
}

function isWithin(segment, range) {
  return (
    segment.source === range?.source &&
    (segment.source === NO_SOURCE ||
      (segment.sourceRow - segment.row === range.sourceRow - range.row &&
        segment.sourceColumn - segment.column === range.sourceColumn - range.column))
  );
}

// The segments with what they tell in full: each number in `mappings` is relative to the one before.
function* segmentsOf(code, mappings) {
  const indents = code.split('\n').map((line) => line.length - line.trimStart().length);
  let [source, sourceRow, sourceColumn] = [NO_SOURCE + 1, 0, 0];
  for (const [row, line] of mappings.split(';').entries()) {
    if (line === '') {
      yield ofNoSource(row, 0);
      continue;
    }
    let segmentColumn = 0;
    for (const segment of line.split(',')) {
      const steps = numbersOf(segment);
      segmentColumn += steps[0];
      // To esbuild the indent belongs to the statement after it, whose place it would move.
      const column = Math.max(segmentColumn, indents[row] ?? 0);
      if (steps.length === 1) {
        yield ofNoSource(row, column);
        continue;
      }
      source += steps[1];
      sourceRow += steps[2];
      sourceColumn += steps[3];
      yield { row, column, source, sourceRow, sourceColumn };
    }
  }
}

function ofNoSource(row, column) {
  return { row, column, source: NO_SOURCE, sourceRow: 0, sourceColumn: 0 };
}

// The numbers of a segment: base 64, each as long as it needs to be, the sign in the lowest bit.
function numbersOf(segment) {
  const numbers = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) * 2 ** shift;
    shift += 5;
    if ((bits & 32) === 0) {
      numbers.push(value % 2 === 1 ? -Math.floor(value / 2) : value / 2);
      value = 0;
      shift = 0;
    }
  }
  return numbers;
}
