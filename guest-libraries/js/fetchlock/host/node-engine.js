// The interface `engine` under Node.

import { currentHost } from './node.js';

export const engine = {
  startProcess: (start) => currentHost().engine.startProcess(start),
  correlateMessage: (message) => currentHost().engine.correlateMessage(message),
};
