// The host under Node: what `run` of `fetchlock/test` supplies to the invocation that is under way, be it one of many.

import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage();

function fake() {
  const host = current.getStore();
  if (host === undefined) {
    throw new Error('no handler runs: use `run` of `fetchlock/test` to call one under Node');
  }
  return host;
}

export const raw = {
  get variables() {
    return fake().variables;
  },
  get task() {
    return fake().task;
  },
  get outcome() {
    return fake().outcome;
  },
  get log() {
    return fake().log;
  },
  get config() {
    return fake().config;
  },
};

export function enter() {
  fake();
}

export function isInside() {
  return current.getStore() !== undefined;
}

/** Calls `body` with `host` as the host of all that it does, asynchronously too. */
export function withHost(host, body) {
  return current.run(host, body);
}

/** The host of the invocation that is under way, if there is one. */
export function currentHost() {
  return current.getStore();
}
