// What becomes of the task, and how it is told to the host.

import { milliseconds, shown } from './checks.js';
import { BpmnError, Failure, messageOf } from './errors.js';
import { payloadOf } from './inside.js';
import { stackOf } from './stack.js';
import { isSingle, toVariables } from './values.js';

/** What a handler returns if variables do not say it. */
export class Outcome {
  /** @param {string} kind what it is, for messages; @param {(outcome) => void} send tells the host */
  constructor(kind, send) {
    this.kind = kind;
    Object.defineProperty(this, 'send', { value: send });
    Object.freeze(this);
  }

  static complete(variables, localVariables) {
    const process = toVariables(variables, 'Outcome.complete');
    const local = toVariables(localVariables, 'Outcome.complete (local)');
    return new Outcome('complete', (outcome) => outcome.complete(process, local));
  }

  static unlock(delay = 0) {
    const length = milliseconds(delay, 'Outcome.unlock');
    return new Outcome('unlock', (outcome) => outcome.unlock(length));
  }

  static handOff(duration) {
    const length = milliseconds(duration, 'Outcome.handOff');
    return new Outcome('hand-off', (outcome) => outcome.handOff(length));
  }

  static decided() {
    return new Outcome('decided', () => {});
  }
}

/** The outcome of what a handler returned. */
export function outcomeOfResult(result) {
  if (result === undefined || result === null) {
    return undecidedComplete();
  }
  if (result instanceof Outcome) {
    return result;
  }
  if (result instanceof Error) {
    return outcomeOfError(result);
  }
  if (isSingle(result)) {
    throw new TypeError(
      `the handler returned ${shown(result)}: expected an object of variables, an Outcome or nothing`,
    );
  }
  const variables = toVariables(result, 'result of the handler');
  return new Outcome('complete', (outcome) => outcome.complete(variables, []));
}

// A handler that returns nothing may have decided through the raw interface; that decision stands.
function undecidedComplete() {
  return new Outcome('complete', (outcome) => {
    try {
      outcome.complete([], []);
    } catch (error) {
      const payload = payloadOf(error);
      if (payload.tag !== 'already-decided') {
        throw error;
      }
    }
  });
}

/** The outcome of what a handler threw. */
export function outcomeOfError(error) {
  if (error instanceof BpmnError) {
    const variables = toVariables(error.variables, 'BpmnError');
    const message = error.message === '' ? undefined : error.message;
    return new Outcome('bpmn-error', (outcome) => outcome.bpmnError(error.code, message, variables));
  }
  if (error instanceof Failure) {
    const variables = toVariables(error.variables, 'Failure');
    const localVariables = toVariables(error.localVariables, 'Failure (local)');
    return failure({
      message: error.message,
      details: error.details ?? stackOf(error),
      retry: error.wireRetry,
      variables,
      localVariables,
    });
  }
  return plainFailure(messageOf(error), stackOf(error));
}

function failure(report) {
  return new Outcome('failure', (outcome) => outcome.fail(report));
}

function plainFailure(message, details) {
  return failure({ message, details, retry: { tag: 'policy' }, variables: [], localVariables: [] });
}

/** Tells the host, once. Throws a text, which the host takes as the error of the invocation, if that does not go. */
export function decide(decision, outcome) {
  const refused = trySend(decision, outcome);
  if (refused === undefined) {
    return;
  }
  if (refused.tag === 'invalid') {
    const again = trySend(plainFailure(`the host refused the outcome (${decision.kind}): ${refused.val}`), outcome);
    if (again === undefined) {
      return;
    }
  }
  throw refused.tag === 'already-decided'
    ? `the handler had decided before, through the raw interface; what it ended with (${decision.kind}) is not used`
    : `the outcome (${decision.kind}) was not accepted: ${refused.tag}: ${refused.val}`;
}

function trySend(decision, outcome) {
  try {
    decision.send(outcome);
    return undefined;
  } catch (error) {
    return refusalOf(error);
  }
}

// A value that does not fit the contract, as a Raw may be, is refused by the bindings before the host sees it.
function refusalOf(error) {
  try {
    return payloadOf(error);
  } catch (other) {
    return { tag: 'invalid', val: messageOf(other) };
  }
}
