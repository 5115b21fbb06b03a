// The errors of this library: those that authors throw, and those that calls of the host end in.

import { milliseconds, oneOf, options, shown, text } from './checks.js';

/** Ends the task with a business error, which a boundary error event of this code catches. */
export class BpmnError extends Error {
  constructor(code, message, variables) {
    super(message ?? '');
    this.name = 'BpmnError';
    this.code = text(code, 'BpmnError code');
    this.variables = variables;
  }
}

/** A technical failure that says more than an ordinary error: what happens next, details, variables. */
export class Failure extends Error {
  constructor(message, given) {
    const known = ['details', 'retry', 'variables', 'localVariables', 'cause'];
    const { details, retry = 'policy', variables, localVariables, cause } = options(given, known, 'Failure');
    super(text(message, 'Failure message'), cause === undefined ? undefined : { cause });
    this.name = 'Failure';
    this.details = details;
    this.retry = retry;
    this.wireRetry = retryToWire(retry);
    this.variables = variables;
    this.localVariables = localVariables;
    Object.defineProperty(this, 'wireRetry', { enumerable: false });
  }
}

function retryToWire(retry) {
  if (retry === null || typeof retry !== 'object') {
    return { tag: oneOf(retry, ['policy', 'never', 'system-down'], 'Failure retry (or { left, delay })') };
  }
  const { left, delay = 0 } = options(retry, ['left', 'delay'], 'Failure retry');
  if (!Number.isInteger(left) || left < 0 || left > 0xffffffff) {
    throw new TypeError(`Failure retry: expected \`left\`, a whole number of retries, found ${shown(left)}`);
  }
  return { tag: 'exactly', val: { left, delay: milliseconds(delay, 'Failure retry delay') } };
}

/** What a call of the host ended in, other than its result. `kind` tells cases apart. */
export class HostError extends Error {
  constructor(name, what, payload, texts = {}) {
    const kind = typeof payload === 'string' ? payload : payload.tag;
    const told = payload?.val === undefined ? texts[kind] : `${texts[kind] ?? ''}${payload.val}`;
    super(told === undefined ? `${what}: ${kind}` : `${what}: ${kind}: ${told}`);
    this.name = name;
    this.kind = kind;
  }
}

/** Why a file could not be loaded: `unknown`, `not-a-file`, `unavailable` or `too-large`. */
export class LoadError extends HostError {
  constructor(variable, payload) {
    super('LoadError', `load of variable \`${variable}\``, payload, {
      unknown: 'the task has no such variable',
      'not-a-file': 'the variable holds neither a file nor bytes',
      'too-large': "more than the plugin's limit (limits.payload) in bytes: ",
    });
  }
}

/** Why a lock was not extended: `lock-lost`, `invalid` or `unavailable`. */
export class LockError extends HostError {
  constructor(payload) {
    super('LockError', 'extendLock', payload, { 'lock-lost': 'somebody else holds the task now, or it is gone' });
  }
}

/** Why progress variables were not set: `invalid`, `gone` or `unavailable`. */
export class ProgressError extends HostError {
  constructor(payload) {
    super('ProgressError', 'setProgress', payload, { gone: 'the process instance is gone' });
  }
}

/** One line for whoever looks at the incident. */
export function messageOf(error) {
  if (error instanceof Failure) {
    return error.message;
  }
  if (error instanceof Error) {
    return error.name === 'Error' ? error.message || 'Error' : `${error.name}: ${error.message}`;
  }
  return payloadText(error?.payload) ?? payloadText(error) ?? shown(error);
}

// What raw calls of the host throw has a payload: a text, or a case with a text.
function payloadText(payload) {
  if (typeof payload === 'string') {
    return payload;
  }
  if (typeof payload?.tag === 'string') {
    return payload.val === undefined ? payload.tag : `${payload.tag}: ${payload.val}`;
  }
  return typeof payload?.message === 'string' ? payload.message : undefined;
}
