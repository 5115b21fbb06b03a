// `console` writes to the host's log, at the level of its name and each call as one line. Without this, debug lines
// would be warnings, an error would be shown without its stack, and long texts would be broken into lines.

import { write } from 'fetchlock:handler/log@0.1.0';

import { stackOf } from '../stack.js';

const LEVELS = { trace: 'trace', debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' };

/** From now on; before that, while the component is built, there is no log. */
export function useLog() {
  for (const [name, level] of Object.entries(LEVELS)) {
    console[name] = (...values) => write(level, values.map(shown).join(' '), []);
  }
}

function shown(value) {
  if (value instanceof Error) {
    return stackOf(value);
  }
  if (value === null || typeof value !== 'object') {
    return typeof value === 'bigint' ? `${value}n` : String(value);
  }
  try {
    return JSON.stringify(value, (key, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? String(value);
  } catch {
    // It contains itself, say.
    return String(value);
  }
}
