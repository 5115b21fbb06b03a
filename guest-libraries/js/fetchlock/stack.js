// Stacks for the details of a failure, with the places of the source instead of those of the bundle.

import { messageOf } from './errors.js';
import { placeAt } from './source-map.js';

const MAX_CAUSES = 10;
// Of each error, the innermost: a recursion has hundreds that are all the same.
const MAX_FRAMES = 50;
const PLACE = /([^\s()@]+):(\d+):(\d+)/g;
// The outermost frame in a component, which nobody wrote.
const BINDINGS = /\/initializer\.js:\d+:\d+$/;

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
  return [head, ...framesOf(error)].join('\n');
}

function framesOf(error) {
  const stack = String(error?.stack ?? '').trimEnd();
  // V8 puts the message before the frames, SpiderMonkey has the frames alone.
  const frames = stack.split('\n').filter((line) => /:\d+:\d+\)?$/.test(line) && !BINDINGS.test(line));
  const shown = frames.slice(0, MAX_FRAMES).map((frame) => `    ${mapped(frame).trim()}`);
  return frames.length > MAX_FRAMES ? [...shown, '    ... more frames'] : shown;
}

/** The text with the places of the bundle replaced, as far as the bundle's source map is at hand. */
export function mapped(text, map = globalThis.__fetchlockSourceMap) {
  if (map === undefined) {
    return text;
  }
  try {
    return text.replace(PLACE, (place, file, row, column) =>
      file.endsWith(map.file) ? sourcePlace(map, Number(row), Number(column)) ?? place : place,
    );
  } catch {
    // Whoever reads this looks for the error: a stack of the bundle tells it too, a mistake in the map does not.
    return text;
  }
}

// Stacks count from 1.
function sourcePlace({ sources, ranges }, row, column) {
  const found = placeAt(ranges, row - 1, column - 1);
  const source = sources[found?.source];
  return source === undefined ? undefined : `${source}:${found.row + 1}:${found.column + 1}`;
}
