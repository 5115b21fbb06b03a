// Checks of what authors give: durations, options, names.

const UNITS = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const WRITTEN = /^(?:\d+(?:\.\d+)?\s*(?:ms|s|min|m|h|d)\s*)+$/;
const PART = /(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)/g;
const ISO = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** Milliseconds as the WIT wants them, of a number of milliseconds or a text such as `30s`, `1h 30m`, `PT5M`. */
export function milliseconds(duration, what) {
  const found = typeof duration === 'string' ? written(duration.trim()) : Number(duration);
  if (typeof duration === 'boolean' || duration === null || !Number.isFinite(found) || found < 0) {
    throw new TypeError(
      `${what}: expected a duration, as a number of milliseconds or a text such as "30s", "1h 30m" or "PT5M", ` +
        `found ${shown(duration)}`,
    );
  }
  return BigInt(Math.round(found));
}

function written(text) {
  const iso = ISO.exec(text);
  if (iso !== null && /\d/.test(text)) {
    const [days, hours, minutes, seconds] = iso.slice(1).map((part) => Number(part ?? 0));
    return days * UNITS.d + hours * UNITS.h + minutes * UNITS.m + seconds * UNITS.s;
  }
  if (!WRITTEN.test(text)) {
    return NaN;
  }
  return [...text.matchAll(PART)].reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit], 0);
}

/** The options, of which none may be unknown: in JavaScript nobody else finds a misspelt one. */
export function options(given, known, what) {
  if (given === undefined) {
    return {};
  }
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    throw new TypeError(`${what}: expected an object of options (${known.join(', ')}), found ${shown(given)}`);
  }
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new TypeError(`${what} knows no option ${unknown.join(', ')}; it knows ${known.join(', ')}`);
  }
  return given;
}

/** One of a few words. */
export function oneOf(value, words, what) {
  if (!words.includes(value)) {
    throw new TypeError(`${what}: expected ${words.map((word) => `"${word}"`).join(' or ')}, found ${shown(value)}`);
  }
  return value;
}

/** A text that is not empty. */
export function text(value, what) {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`${what}: expected a text that is not empty, found ${shown(value)}`);
  }
  return value;
}

/** A text, be it empty. */
export function string(value, what) {
  if (typeof value !== 'string') {
    throw new TypeError(`${what}: expected a text, found ${shown(value)}`);
  }
  return value;
}

/** How a value is shown in a message: short, and never its whole content. */
export function shown(value) {
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? `"${value.slice(0, 40)}…"` : `"${value}"`;
    case 'bigint':
      return `${value}n`;
    case 'function':
      return 'a function';
    case 'object':
      if (value === null) {
        return 'null';
      }
      return Array.isArray(value) ? 'an array' : `a ${value.constructor?.name ?? 'value'}`;
    default:
      return String(value);
  }
}
