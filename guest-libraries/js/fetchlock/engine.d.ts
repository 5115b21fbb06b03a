/**
 * Processes that a handler starts and messages that it sends, where the manifest requests it and the operator grants it
 * (`docs/engine-calls.md`). Importing this puts the interface `engine` into the component.
 *
 * A call is done when it returns, and stays done if the handler then fails; a handler that runs again makes its calls
 * again. So give what must be started once a business key that follows from the task, and `unlessRunning`.
 */

import type { HostError, Variables } from './index.js';

/** Who got something: an instance's id, and whether it is new. */
export interface Instance {
  /** The id of the process instance. */
  readonly id: string;
  /** True: it was started by this. False: it ran already. */
  readonly started: boolean;
}

/** What a start says besides the process. */
export interface StartOptions {
  /** The tenant whose process it is. Default: the process without a tenant. */
  tenantId?: string;
  /** The business key of the new instance. */
  businessKey?: string;
  /** The variables of the new instance. */
  variables?: Variables;
  /** Only if no instance of this process runs that has this business key, which must be given then. */
  unlessRunning?: boolean;
}

/** Starts the latest version of the process with this key (its id in the model). Throws {@link StartError}. */
export function startProcess(key: string, options?: StartOptions): Instance;

/** Why no process was started, or (`unanswered`) why nobody knows. */
export class StartError extends HostError {
  readonly kind: 'denied' | 'invalid' | 'no-such-process' | 'rejected' | 'unavailable' | 'unanswered';
}

/** Who may receive a message, and what it brings. Every criterion that is given must hold. */
export interface MessageOptions {
  /** The business key of the instance. A process that the message starts gets it. */
  businessKey?: string;
  /** The id of the instance. */
  processInstanceId?: string;
  /** Variables that the instance has with these values. */
  correlationKeys?: Variables;
  /** Variables that the waiting execution has in its own scope with these values. */
  localCorrelationKeys?: Variables;
  /** Any tenant or none (the default), only what belongs to no tenant, or this one. */
  tenant?: 'any' | 'without' | { id: string };
  /** Variables that the message brings to the instance. */
  variables?: Variables;
  /** Variables that the message brings to the scope of the execution that waited for it. */
  localVariables?: Variables;
  /** Exactly one (the default), or all that fit, be it nobody. */
  receivers?: 'one' | 'all';
}

/** Sends a message to who waits for it, or starts the process that starts with it. Throws {@link CorrelateError}. */
export function correlateMessage(name: string, options?: MessageOptions): Instance[];

/** Why a message was not correlated, or (`unanswered`) why nobody knows. */
export class CorrelateError extends HostError {
  readonly kind: 'denied' | 'invalid' | 'no-match' | 'ambiguous' | 'rejected' | 'unavailable' | 'unanswered';
}
