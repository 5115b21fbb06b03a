// Runs a handler under Node, without Wasm: `run(handle, { variables, ... })` plays the host for one invocation.

import { withHost, currentHost } from './host/node.js';
import { options, shown } from './checks.js';
import { fromWire, toVariables, toWire, bytesOf } from './values.js';

const OPTIONS = ['variables', 'config', 'task', 'bpmnErrors', 'fetch', 'extendLock', 'setProgress', 'startProcess', 'correlateMessage', 'load'];

const TASK = {
  id: 'task-1',
  topic: 'topic',
  activityId: 'activity',
  activityInstanceId: 'activity-instance-1',
  executionId: 'execution-1',
  processInstanceId: 'process-instance-1',
  processDefinitionId: 'process:1:1',
  processDefinitionKey: 'process',
  priority: 0,
  extensionProperties: {},
  workerId: 'worker-1',
};

const TYPE_NAMES = {
  null: 'Null',
  boolean: 'Boolean',
  short: 'Short',
  integer: 'Integer',
  long: 'Long',
  double: 'Double',
  text: 'String',
  date: 'Date',
  bytes: 'Bytes',
  file: 'File',
  json: 'Json',
  xml: 'Xml',
};

/** Calls the handler once; what it decided, said and called. */
export async function run(handle, given) {
  if (typeof handle !== 'function') {
    throw new TypeError(`run: expected the handler, found ${shown(handle)}`);
  }
  const settings = options(given, OPTIONS, 'run');
  const host = fakeHost(settings);
  const { record } = host;
  await withHost(host, async () => {
    try {
      await handle();
    } catch (error) {
      // A text is an error result, as in a component; anything else would be a trap.
      if (typeof error !== 'string') {
        throw error;
      }
      record.error = error;
    }
  });
  return record.decision === undefined
    ? { outcome: record.error === undefined ? 'undecided' : 'error', ...ended(record), message: record.error }
    : { ...record.decision, ...ended(record) };
}

function ended({ log, calls, error }) {
  return { log, calls, error };
}

function fakeHost(settings) {
  const given = new Map(
    toVariables(settings.variables, 'run variables').map(({ name, value }) => [name, value]),
  );
  const record = { log: [], calls: [], decision: undefined, error: undefined };
  return {
    record,
    fetch: settings.fetch,
    task: { get: () => taskToWire(settings.task) },
    config: fakeConfig(settings.config ?? {}),
    log: {
      write: (level, message, fields) => record.log.push({ level, message, fields: Object.fromEntries(fields) }),
    },
    variables: fakeVariables(given, settings, record),
    outcome: fakeOutcome(given, settings, record),
    engine: fakeEngine(settings, record),
  };
}

function taskToWire(given) {
  const { priority, createTime, extensionProperties, ...rest } = { ...TASK, ...given };
  return {
    ...rest,
    priority: BigInt(priority),
    createTime: createTime === undefined ? undefined : toWire(createTime).val,
    extensionProperties: Object.entries(extensionProperties),
  };
}

function fakeConfig(settings) {
  return {
    get: (key) => (Object.hasOwn(settings, key) ? String(settings[key]) : undefined),
    keys: () => Object.keys(settings).sort(),
  };
}

function fakeVariables(given, settings, record) {
  const get = (name) => (given.has(name) ? asFetched(name, given.get(name)) : undefined);
  return {
    get,
    getMany: (names) => names.map(get),
    typeName: (name) => (given.has(name) ? typeName(given.get(name)) : undefined),
    names: () => [...given.keys()].sort(),
    load: (name) => {
      answered(settings.load, name);
      const value = given.get(name);
      if (value === undefined || !['file', 'bytes'].includes(value.tag)) {
        throw new HostRefusal({ tag: value === undefined ? 'unknown' : 'not-a-file' });
      }
      return bytesOf(value.tag === 'file' ? value.val.content.val : value.val);
    },
    setProgress: (variables, scope) => {
      const set = natural(variables, given);
      record.calls.push({ call: 'setProgress', variables: set, scope });
      checkVariables(variables);
      answered(settings.setProgress, set, scope);
    },
  };
}

// Files arrive without their content, as from an engine.
function asFetched(name, value) {
  return value.tag === 'file' ? { tag: 'file', val: { ...value.val, content: { tag: 'stored', val: name } } } : value;
}

function typeName({ tag, val }) {
  if (tag === 'object') {
    return 'Object';
  }
  return tag === 'other' ? val.typeName : TYPE_NAMES[tag];
}

function fakeOutcome(given, settings, record) {
  const decide = (decision, check) => {
    if (record.decision !== undefined) {
      throw new HostRefusal({ tag: 'already-decided' });
    }
    check?.();
    record.decision = decision;
  };
  return {
    complete: (variables, localVariables) =>
      decide({ outcome: 'complete', ...sets(variables, localVariables, given) }, () => {
        checkVariables([...variables, ...localVariables]);
      }),
    fail: ({ message, details, retry, variables, localVariables }) =>
      decide(
        { outcome: 'failure', message, details, retry: retryOf(retry), ...sets(variables, localVariables, given) },
        () => checkVariables([...variables, ...localVariables]),
      ),
    bpmnError: (code, message, variables) =>
      decide({ outcome: 'bpmn-error', code, message, variables: natural(variables, given) }, () => {
        checkCode(code, settings.bpmnErrors);
        checkVariables(variables);
      }),
    unlock: (delay) => decide({ outcome: 'unlock', delay: Number(delay) }),
    handOff: (duration) => decide({ outcome: 'hand-off', duration: Number(duration) }),
    extendLock: (duration) => {
      record.calls.push({ call: 'extendLock', duration: Number(duration) });
      answered(settings.extendLock, Number(duration));
    },
  };
}

function fakeEngine(settings, record) {
  const ask = (call, answer) => (request) => {
    const asked = naturalRequest(request);
    record.calls.push({ call, ...asked });
    if (answer === undefined) {
      throw new HostRefusal({ tag: 'denied', val: `this run has no \`${call}\`: give one to \`run\`` });
    }
    return answered(answer, asked);
  };
  const wire = ({ id, started }, otherwise, tag) => ({ tag: started ? tag : otherwise, val: id });
  const start = ask('startProcess', settings.startProcess);
  const correlate = ask('correlateMessage', settings.correlateMessage);
  return {
    startProcess: (request) => wire(start(request), 'running', 'new'),
    correlateMessage: (message) => correlate(message).map((receiver) => wire(receiver, 'waiting', 'started')),
  };
}

function naturalRequest(request) {
  const entries = Object.entries(request).map(([key, value]) => [key, Array.isArray(value) ? natural(value) : value]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

// What a test answers in place of the host: nothing, a result, or an error result as { error: 'kind', text }.
function answered(answer, ...asked) {
  const result = typeof answer === 'function' ? answer(...asked) : answer;
  if (result !== null && typeof result === 'object' && typeof result.error === 'string') {
    throw new HostRefusal({ tag: result.error, val: result.text });
  }
  return result;
}

/** An error result of the host, which arrives as an exception with a payload. */
class HostRefusal extends Error {
  constructor(payload) {
    super(`${payload.tag}${payload.val === undefined ? '' : `: ${payload.val}`}`);
    this.payload = payload;
  }
}

function checkVariables(variables) {
  for (const { name, value } of variables) {
    if (name === '') {
      throw new HostRefusal({ tag: 'invalid', val: 'a variable has an empty name' });
    }
    if (value.tag === 'double' && !Number.isFinite(value.val)) {
      throw new HostRefusal({ tag: 'invalid', val: `variable \`${name}\` is no finite number` });
    }
  }
}

function checkCode(code, known) {
  if (known !== undefined && !known.includes(code)) {
    throw new HostRefusal({ tag: 'invalid', val: `the BPMN error code \`${code}\` is not in \`bpmn-errors\`` });
  }
}

function retryOf({ tag, val }) {
  return tag === 'exactly' ? { left: val.left, delay: Number(val.delay) } : tag;
}

function sets(variables, localVariables, given) {
  return { variables: natural(variables, given), localVariables: natural(localVariables, given) };
}

function natural(variables, given = new Map()) {
  return Object.fromEntries(variables.map(({ name, value }) => [name, fromWire(withContent(value, given))]));
}

// A file that is passed on is shown with the content that it was given with.
function withContent(value, given) {
  const content = value.tag === 'file' ? value.val.content : undefined;
  return content?.tag === 'stored' ? { tag: 'file', val: { ...value.val, content: given.get(content.val).val.content } } : value;
}

// `fetch` belongs to the run that calls it; a test never reaches the network by mistake.
const realFetch = globalThis.fetch;
globalThis.fetch = async (resource, init) => {
  const host = currentHost();
  if (host === undefined) {
    return realFetch(resource, init);
  }
  const request = new Request(resource, init);
  if (host.fetch === undefined) {
    throw new Error(`fetch of ${request.url}: this run has no fetch; give \`run\` one that answers`);
  }
  host.record.calls.push({ call: 'fetch', method: request.method, url: request.url });
  return host.fetch(request);
};

