// What a handler asks of the host while it runs: log, settings, the lock, progress, variables.

import { milliseconds, oneOf, options, shown, text } from './checks.js';
import { Failure, LockError, ProgressError, messageOf } from './errors.js';
import { host, payloadOf } from './inside.js';
import { Raw, fromWire, toVariables } from './values.js';

const write = (level) => (message, fields) =>
  host(`log.${level}`).log.write(level, fieldText(message), fieldList(fields ?? {}));

function fieldList(fields) {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => [name, fieldText(value)]);
}

function fieldText(value) {
  if (typeof value === 'string') {
    return value;
  }
  if (value instanceof Error) {
    return messageOf(value);
  }
  if (value === null || typeof value !== 'object') {
    return String(value);
  }
  return JSON.stringify(value) ?? String(value);
}

/** Lines for the host's log, with structured fields. */
export const log = Object.freeze({
  trace: write('trace'),
  debug: write('debug'),
  info: write('info'),
  warn: write('warn'),
  error: write('error'),
});

/** The plugin's settings and secrets. */
export const config = Object.freeze({
  get(key) {
    return host(`config.get("${key}")`).config.get(text(key, 'config.get'));
  },
  required(key) {
    const value = config.get(key);
    if (value === undefined) {
      throw new Failure(`the setting \`${key}\` is missing: add it to [config] of the manifest, or grant the secret`);
    }
    return value;
  },
  number(key, fallback) {
    const value = fallback === undefined ? config.required(key) : config.get(key);
    if (value === undefined) {
      return fallback;
    }
    const number = Number(value);
    // An empty text is 0 to JavaScript, and to nobody who has left a setting empty.
    if (value.trim() === '' || !Number.isFinite(number)) {
      throw new Failure(`the setting \`${key}\` is ${shown(value)}: expected a number`);
    }
    return number;
  },
  keys() {
    return host('config.keys').config.keys();
  },
});

/** The variables of the task, one by one. */
export const variables = Object.freeze({
  names() {
    return host('variables.names').variables.names();
  },
  get(name) {
    const value = host('variables.get').variables.get(name);
    return value === undefined ? undefined : fromWire(value);
  },
  raw(name) {
    const value = host('variables.raw').variables.get(name);
    return value === undefined ? undefined : new Raw(value);
  },
  typeName(name) {
    return host('variables.typeName').variables.typeName(name);
  },
});

/** Makes the lock last `duration` from now. */
export function extendLock(duration) {
  const length = milliseconds(duration, 'extendLock');
  try {
    host('extendLock').outcome.extendLock(length);
  } catch (error) {
    throw new LockError(payloadOf(error));
  }
}

/** Sets variables at once, while the handler goes on. */
export function setProgress(values, given) {
  const { scope = 'process' } = options(given, ['scope'], 'setProgress');
  oneOf(scope, ['process', 'local'], 'setProgress scope');
  const list = toVariables(values, 'setProgress');
  try {
    host('setProgress').variables.setProgress(list, scope);
  } catch (error) {
    throw new ProgressError(payloadOf(error));
  }
}
