// The host as a component sees it: the interfaces of the WIT world `handler`.

import './byte-order-mark.js';
import * as variables from 'fetchlock:handler/variables@0.1.0';
import * as task from 'fetchlock:handler/task@0.1.0';
import * as outcome from 'fetchlock:handler/outcome@0.1.0';
import * as log from 'fetchlock:handler/log@0.1.0';
import * as config from 'fetchlock:handler/config@0.1.0';

import { useLog } from './console.js';

export const raw = { variables, task, outcome, log, config };

// False while the component is built: the top level of all modules runs then, and the result is kept as a snapshot.
// A call of the host would end that with a message about the snapshot tool.
let invoked = false;

export function enter() {
  if (!invoked) {
    invoked = true;
    useLog();
  }
}

export function isInside() {
  return invoked;
}
