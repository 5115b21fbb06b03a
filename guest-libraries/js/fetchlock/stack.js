// Stacks for the details of a failure, with the places of the source instead of those of the bundle.

import { messageOf } from './errors.js';

const MAX_CAUSES = 10;
const PLACE = /([^\s()@]+):(\d+):(\d+)/g;
// The outermost frame in a component, which nobody wrote.
const BINDINGS = /\/initializer\.js:\d+:\d+$/;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The error, its stack, and what caused it. */
export function stackOf(error) {
  const parts = [];
  let each = error;
  do {
    parts.push(one(each));
    each = each?.cause;
  } while (each !== undefined && each !== null && parts.length < MAX_CAUSES);
  return parts.join('\ncaused by: ');
}

function one(error) {
  // What the bindings throw for an error result has a stack, but is no Error of this realm.
  const head = error instanceof Error && error.message !== '' ? `${error.name}: ${error.message}` : messageOf(error);
  const stack = String(error?.stack ?? '').trimEnd();
  // V8 puts the message before the frames, SpiderMonkey has the frames alone.
  const frames = stack.split('\n').filter((line) => /:\d+:\d+\)?$/.test(line) && !BINDINGS.test(line));
  return [head, ...frames.map((frame) => `    ${mapped(frame).trim()}`)].join('\n');
}

/** The line with the places of the bundle replaced, as far as the bundle's source map is at hand. */
export function mapped(line, map = globalThis.__fetchlockSourceMap) {
  if (map === undefined) {
    return line;
  }
  return line.replace(PLACE, (place, file, row, column) => {
    if (!file.endsWith(map.file)) {
      return place;
    }
    const found = original(map, Number(row) - 1, Number(column) - 1);
    return found === undefined ? place : `${found.source}:${found.row + 1}:${found.column + 1}`;
  });
}

// The last segment of the row that begins at the column or before it.
function original(map, row, column) {
  let state = [0, 0, 0];
  let best;
  const rows = map.mappings.split(';');
  for (let index = 0; index <= row && index < rows.length; index += 1) {
    let start = 0;
    for (const segment of rows[index].split(',').filter((each) => each !== '')) {
      const [start_, source, line, at] = decoded(segment);
      start += start_;
      if (source !== undefined) {
        state = [state[0] + source, state[1] + line, state[2] + at];
        if (index === row && start <= column) {
          best = { source: map.sources[state[0]], row: state[1], column: state[2] };
        }
      }
    }
  }
  return best;
}

// The numbers of a segment, base 64 with variable length.
function decoded(segment) {
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
