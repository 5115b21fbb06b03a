// The task, as the engine tells about it.

import { host } from './inside.js';
import { fromWire } from './values.js';

/** The task of the invocation that is under way. */
export function currentTask() {
  const { extensionProperties, createTime, priority, ...rest } = host('the task').task.get();
  return Object.freeze({
    ...rest,
    priority: Number(priority),
    createTime: createTime === undefined ? undefined : fromWire({ tag: 'date', val: createTime }),
    extensionProperties: Object.freeze(Object.fromEntries(extensionProperties)),
  });
}
