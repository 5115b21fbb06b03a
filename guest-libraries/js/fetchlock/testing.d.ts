/**
 * Runs a handler under Node's own test runner, without Wasm and without an engine.
 *
 * ```js
 * import { test } from 'node:test';
 * import assert from 'node:assert/strict';
 * import { run } from 'fetchlock/test';
 * import { handle } from '../src/handler.js';
 *
 * test('small amounts are approved', async () => {
 *   const result = await run(handle, { variables: { amount: 42, customer: 'Ann' } });
 *   assert.equal(result.outcome, 'complete');
 *   assert.equal(result.variables.approved, true);
 * });
 * ```
 *
 * `fetchlock test` then runs the component itself in the sandbox of production, against case files.
 */

import type { Instance, MessageOptions, StartOptions } from './engine.js';
import type { Handle, Retry, Task, Variables } from './index.js';

/** An error result of the host, such as `{ error: 'lock-lost' }` or `{ error: 'unavailable', text: 'no answer' }`. */
export interface Refusal {
  error: string;
  text?: string;
}

/** What the invocation has. Everything has a default. */
export interface RunOptions {
  /** The task's variables: plain values, or wrappers such as `new Long(1)`. */
  variables?: Variables;
  /** The settings and secrets. */
  config?: { [key: string]: string | number | boolean };
  /** What the task says, where it matters. */
  task?: Partial<Task>;
  /** The manifest's `bpmn-errors`. Default: any code. */
  bpmnErrors?: string[];
  /** What `fetch` answers. Without it, `fetch` fails. */
  fetch?: (request: Request) => Response | Promise<Response>;
  /** What `extendLock` answers. Default: ok. */
  extendLock?: (milliseconds: number) => void | Refusal;
  /** What `setProgress` answers. Default: ok. */
  setProgress?: (variables: Record<string, any>, scope: 'process' | 'local') => void | Refusal;
  /** What loading a file answers before the content. Default: ok. */
  load?: (variable: string) => void | Refusal;
  /** What `startProcess` answers. Default: denied. */
  startProcess?: (start: StartOptions & { key: string }) => Instance | Refusal;
  /** What `correlateMessage` answers. Default: denied. */
  correlateMessage?: (message: MessageOptions & { name: string }) => Instance[] | Refusal;
}

/** A line that the handler wrote with `log`. */
export interface LogLine {
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  message: string;
  fields: { [name: string]: string };
}

/** A call that the handler made, with what it asked for. */
export interface Call {
  call: 'fetch' | 'extendLock' | 'setProgress' | 'startProcess' | 'correlateMessage';
  [detail: string]: any;
}

/** What the handler decided, said and called. */
export interface RunResult {
  /** What it decided; `undecided` and `error` only of handlers that do without this library's `handler`. */
  outcome: 'complete' | 'failure' | 'bpmn-error' | 'unlock' | 'hand-off' | 'undecided' | 'error';
  /** The variables of the outcome, as a handler would see them. */
  variables: Record<string, any>;
  /** Those of the task's own scope. */
  localVariables: Record<string, any>;
  /** Of a BPMN error. */
  code?: string;
  /** Of a failure or a BPMN error. */
  message?: string;
  /** Of a failure. */
  details?: string;
  /** Of a failure; a delay in milliseconds. */
  retry?: Retry;
  /** Of an unlock, in milliseconds. */
  delay?: number;
  /** Of a hand-off, in milliseconds. */
  duration?: number;
  /** What the handler ended with although it had decided: a mistake that the host would log. */
  error?: string;
  /** What it wrote to the log. */
  log: LogLine[];
  /** What it called, in order. */
  calls: Call[];
}

/** Calls the handler once. Any number of runs may be under way at once. */
export function run(handle: Handle | (() => void), options?: RunOptions): Promise<RunResult>;
