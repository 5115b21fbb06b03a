// The handler: from the task to the decision.

import { enter } from '#host';
import { shown } from './checks.js';
import { host } from './inside.js';
import { inputReader } from './input.js';
import { decide, outcomeOfError, outcomeOfResult } from './outcome.js';
import { currentTask } from './task.js';

/** Makes the function that the component exports as `handle`. */
export function handler(...given) {
  const [schema, run] = given.length > 1 ? given : [undefined, given[0]];
  if (typeof run !== 'function' || (given.length > 1 && (schema === null || typeof schema !== 'object'))) {
    throw new TypeError(
      `handler: expected handler(async (task, input) => ...) or handler({ name: 'kind' }, async (task, input) => ...), ` +
        `found ${given.map(shown).join(', ') || 'nothing'}`,
    );
  }
  const readInput = inputReader(schema);
  return async function handle() {
    enter();
    decide(await decisionOf(run, readInput), host('handle').outcome);
  };
}

async function decisionOf(run, readInput) {
  try {
    return outcomeOfResult(await run(currentTask(), readInput()));
  } catch (error) {
    return outcomeOfThrown(error);
  }
}

// The variables of a thrown BpmnError may be wrong themselves.
function outcomeOfThrown(error) {
  try {
    return outcomeOfError(error);
  } catch (second) {
    return outcomeOfError(second);
  }
}
