// Approves payments up to a limit.

import { BpmnError, config, handler, log } from 'fetchlock';

/** Handles one task: the variables that it needs, and what it makes of them. */
export const handle = handler({ amount: 'number', customer: 'string' }, async (task, { amount, customer }) => {
  const limit = config.number('limit', 1000);
  if (amount > limit) {
    throw new BpmnError('TOO_MUCH', `${amount} is more than ${limit}`);
  }
  log.info('approved', { amount, task: task.id });
  return { approved: true, message: `Thank you, ${customer}` };
});
