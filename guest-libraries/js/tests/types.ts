// What the types allow and refuse. Nothing runs; `tsc -p .` with any project's tsc checks it.

import {
  BpmnError,
  Failure,
  File,
  Long,
  OffsetDate,
  Outcome,
  Raw,
  config,
  handler,
  json,
  optional,
  raw,
  variables,
} from '../fetchlock/index.js';
import { StartError, startProcess } from '../fetchlock/engine.js';

interface Order {
  items: { price: number }[];
}

export const schema = handler(
  {
    number: 'number',
    maybe: 'string?',
    order: json<Order>(),
    parsed: (value: unknown) => String(value),
    maybeOrder: optional(json<Order>()),
    date: 'date',
    raw: 'raw',
    bytes: 'bytes?',
    file: 'file',
  },
  async (task, input) => {
    const typed: {
      number: number;
      maybe: string | undefined;
      order: Order;
      parsed: string;
      maybeOrder: Order | undefined;
      date: OffsetDate;
      raw: Raw;
      bytes: Uint8Array | undefined;
      file: File;
    } = input;
    // @ts-expect-error it may be undefined
    const text: string = input.maybe;
    // @ts-expect-error there is no such variable
    input.unknown;
    // @ts-expect-error there is no such field
    task.unknown;
    if (input.number > 5) {
      return Outcome.unlock('5s');
    }
    if (input.number > 3) {
      throw new BpmnError('A', 'b', { c: 1 });
    }
    const order: Order = typed.order;
    return order.items.length > 3 ? order : { text, long: new Long(5n), other: variables.get('x') };
  },
);

export const unchecked = handler<{ amount: number }>(async (task, { amount }) => ({ double: amount * 2 }));
export const nothing = handler(async () => {});
export const anything = handler((task, input) => ({ all: input.anything }));

export const calls = handler(() => {
  raw.outcome.complete([{ name: 'a', value: { tag: 'text', val: 'x' }, transient: false }], []);
  // @ts-expect-error a Long is a bigint
  raw.outcome.complete([{ name: 'a', value: { tag: 'long', val: 5 }, transient: false }], []);
  try {
    startProcess('invoice', { businessKey: 'b', unlessRunning: true });
  } catch (error) {
    if (error instanceof StartError && error.kind === 'unavailable') {
      throw new Failure('x', { retry: { left: 1, delay: '5m' }, cause: error });
    }
  }
});

export const settings = handler(() => {
  const limit: number = config.number('limit');
  // @ts-expect-error the fallback is a number too
  config.number('limit', '1000');
  return { limit, other: config.number('other', 1000) };
});

// @ts-expect-error there is no such kind
export const misspelt = handler({ n: 'numbr' }, async () => {});
// @ts-expect-error a text is no result
export const text = handler(async () => 'text');
// @ts-expect-error there is no such option
export const failure = new Failure('x', { retires: 'never' });
