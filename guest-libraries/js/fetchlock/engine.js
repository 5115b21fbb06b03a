// Processes that a handler starts and messages that it sends. Only who imports this file has the interface `engine` in
// its component.

import { engine } from '#engine';
import { oneOf, options, text } from './checks.js';
import { HostError } from './errors.js';
import { host, payloadOf } from './inside.js';
import { toVariables } from './values.js';

/** Why no process was started, or why nobody knows. */
export class StartError extends HostError {
  constructor(key, payload) {
    super('StartError', `start of process \`${key}\``, payload);
  }
}

/** Why a message was not correlated, or why nobody knows. */
export class CorrelateError extends HostError {
  constructor(name, payload) {
    super('CorrelateError', `message \`${name}\``, payload);
  }
}

/** Starts a process instance. */
export function startProcess(key, given) {
  const known = ['tenantId', 'businessKey', 'variables', 'unlessRunning'];
  const { tenantId, businessKey, variables, unlessRunning = false } = options(given, known, 'startProcess');
  const start = {
    key: text(key, 'startProcess key'),
    tenantId,
    businessKey,
    variables: toVariables(variables, 'startProcess'),
    unlessRunning,
  };
  host('startProcess');
  try {
    const started = engine.startProcess(start);
    return { id: started.val, started: started.tag === 'new' };
  } catch (error) {
    throw new StartError(key, payloadOf(error));
  }
}

const MESSAGE_OPTIONS = [
  'businessKey',
  'processInstanceId',
  'correlationKeys',
  'localCorrelationKeys',
  'tenant',
  'variables',
  'localVariables',
  'receivers',
];

/** Sends a message to who waits for it, or starts the process that starts with it. */
export function correlateMessage(name, given) {
  const message = options(given, MESSAGE_OPTIONS, 'correlateMessage');
  const list = (key) => toVariables(message[key], `correlateMessage ${key}`);
  const sent = {
    name: text(name, 'correlateMessage name'),
    businessKey: message.businessKey,
    processInstanceId: message.processInstanceId,
    correlationKeys: list('correlationKeys'),
    localCorrelationKeys: list('localCorrelationKeys'),
    tenant: tenantToWire(message.tenant ?? 'any'),
    variables: list('variables'),
    localVariables: list('localVariables'),
    receivers: oneOf(message.receivers ?? 'one', ['one', 'all'], 'correlateMessage receivers'),
  };
  host('correlateMessage');
  try {
    return engine.correlateMessage(sent).map(({ tag, val }) => ({ id: val, started: tag === 'started' }));
  } catch (error) {
    throw new CorrelateError(name, payloadOf(error));
  }
}

function tenantToWire(tenant) {
  if (typeof tenant === 'string') {
    return { tag: oneOf(tenant, ['any', 'without'], 'correlateMessage tenant (or { id })') };
  }
  const { id } = options(tenant, ['id'], 'correlateMessage tenant');
  return { tag: 'id', val: text(id, 'correlateMessage tenant id') };
}
