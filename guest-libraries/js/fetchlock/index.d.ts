/// <reference path="./wit.d.ts" />

/**
 * Handlers for Fetchlock in JavaScript and TypeScript.
 *
 * ```js
 * import { handler, BpmnError, config } from 'fetchlock';
 *
 * export const handle = handler({ amount: 'number', customer: 'string' }, async (task, { amount, customer }) => {
 *   if (amount > config.number('limit', 1000)) {
 *     throw new BpmnError('TOO_MUCH', `${amount} is too much for ${customer}`);
 *   }
 *   return { approved: true };
 * });
 * ```
 *
 * What stands at the top level of a module runs **once, when the component is built**, and not for each task: `config`,
 * `log` and all else that calls the host belong inside of the handler. Each task gets a fresh instance, unless the
 * manifest sets `reuse`.
 */

import type { Value } from 'fetchlock:handler/types@0.1.0';

// ---------------------------------------------------------------------------------------------------- the handler

/** What the component exports as `handle`. */
export type Handle = () => Promise<void>;

/**
 * What a handler returns: variables for the process instance, an {@link Outcome}, or nothing, which completes the task
 * without variables. To end the task otherwise it throws: {@link BpmnError}, {@link Failure}, or any error, which is a
 * failure under the retry policy with the error's text as message and its stack as details.
 */
export type Result = Variables | Outcome | void | undefined | null;

/** Variables by name: any object, but no promise. `undefined` leaves one out. */
export type Variables = { [name: string]: unknown } | (object & { readonly then?: never });

/**
 * Makes a handler whose input is checked: of each variable that it needs, the kind. If variables are missing or of
 * another type, the task fails with a message that names each, what was expected and what was found.
 *
 * @example
 * export const handle = handler({ order: json<Order>(), coupon: 'string?' }, async (task, { order, coupon }) => ({ … }));
 */
export function handler<const S extends Schema>(
  schema: S,
  run: (task: Task, input: Input<S>) => Result | Promise<Result>,
): Handle;

/**
 * Makes a handler whose input is all variables that the host fetched, unchecked, each read when it is first used. The
 * type argument says what you know about them.
 *
 * | engine type | in JavaScript |
 * |---|---|
 * | `Null` | `null` |
 * | `Boolean`, `String` | `boolean`, `string` |
 * | `Short`, `Integer`, `Double` | `number` |
 * | `Long` | `bigint` |
 * | `Date` | {@link OffsetDate} |
 * | `Bytes` | `Uint8Array` |
 * | `File` | {@link File} |
 * | `Json` | the value that it is the text of |
 * | `Xml`, `Object`, any other | {@link Xml}, {@link ObjectValue}, {@link Other} |
 */
export function handler<I extends object = Record<string, any>>(
  run: (task: Task, input: I) => Result | Promise<Result>,
): Handle;

/** The kinds of variables that a schema names, and what they are in JavaScript. */
export interface Kinds {
  /** `String` */
  string: string;
  /** `Short`, `Integer`, `Double`, and `Long` if a number can hold it exactly. */
  number: number;
  /** `Short`, `Integer`, and `Long` if a number can hold it exactly. */
  integer: number;
  /** `Short`, `Integer`, `Long`. */
  bigint: bigint;
  /** `Boolean` */
  boolean: boolean;
  /** `Date` */
  date: OffsetDate;
  /** `Bytes` */
  bytes: Uint8Array;
  /** `File` */
  file: File;
  /** `Json`, parsed; {@link json} says of which type. */
  json: any;
  /** `Xml` */
  xml: Xml;
  /** `Object` */
  object: ObjectValue;
  /** Whatever it is, as a handler without a schema sees it. */
  any: any;
  /** Whatever it is, exactly as the contract has it; `Null` too. */
  raw: Raw;
}

/** The name of a kind; with `?` if the variable may be missing or null, which gives `undefined`. */
export type Kind = keyof Kinds | `${keyof Kinds}?`;

/**
 * How a variable is read: its kind, {@link json}, {@link optional}, or a function that gets the value and its name and
 * returns what the handler gets, or throws what is wrong with it. The parse functions of schema libraries fit.
 */
export type Read = Kind | Reader<unknown> | ((value: any, name: string) => unknown);

/** The variables that a handler needs. */
export interface Schema {
  readonly [name: string]: Read;
}

/** How a variable is read, made by {@link json} and {@link optional}. */
export interface Reader<T> {
  /** What it reads. Only a type. */
  readonly __type?: T;
  readonly kind: string;
  readonly isOptional: boolean;
}

/** What a reader reads. */
export type ReadType<R> = R extends `${infer K extends keyof Kinds}?`
  ? Kinds[K] | undefined
  : R extends keyof Kinds
    ? Kinds[R]
    : R extends (...given: any) => infer T
      ? T
      : R extends Reader<infer T>
        ? T
        : never;

/** The input that a schema gives. */
export type Input<S extends Schema> = { [K in keyof S]: ReadType<S[K]> };

/** A `Json` variable of type `T`. `convert` checks it, or makes something of it; what it throws fails the task. */
export function json<T = any>(convert?: (value: any, name: string) => T): Reader<T>;

/** The same variable, which may be missing or null: `undefined` then. */
export function optional<R extends Read>(read: R): Reader<ReadType<R> | undefined>;

/** The variables are not what the handler needs. The message names each, what was expected and what was found. */
export class InputError extends Error {}

/** The task, as the engine tells about it. */
export interface Task {
  /** The task's id. */
  readonly id: string;
  /** The topic it was fetched from. */
  readonly topic: string;
  /** The business key of its process instance. */
  readonly businessKey?: string;
  /** The id of the BPMN activity (the service task in the model). */
  readonly activityId: string;
  /** The id of this run of the activity. */
  readonly activityInstanceId: string;
  /** The id of the execution that the task belongs to. */
  readonly executionId: string;
  /** The id of the process instance. */
  readonly processInstanceId: string;
  /** The id of the process definition. */
  readonly processDefinitionId: string;
  /** The key of the process definition (the process's id in the model). */
  readonly processDefinitionKey: string;
  /** The version tag of the process definition. */
  readonly processDefinitionVersionTag?: string;
  /** The tenant. */
  readonly tenantId?: string;
  /** The retries left; `undefined` until a first failure was reported. */
  readonly retries?: number;
  /** The priority; 0 unless the model or somebody says otherwise. */
  readonly priority: number;
  /** When the task was made; not every engine tells. */
  readonly createTime?: OffsetDate;
  /** The extension properties of the activity in the model. */
  readonly extensionProperties: { readonly [name: string]: string };
  /** The id under which the host holds the lock. Whoever completes the task after a hand-off needs it. */
  readonly workerId: string;
  /** The message of the failure before this try. */
  readonly errorMessage?: string;
  /** The details of the failure before this try. */
  readonly errorDetails?: string;
}

// -------------------------------------------------------------------------------------------------------- outcomes

/** A length of time: a number of milliseconds, or a text such as `"30s"`, `"1h 30m"`, `"PT5M"`. */
export type Duration = number | bigint | string;

/** What a handler returns if variables do not say it. */
export class Outcome {
  private constructor();

  /** What it is: `complete`, `unlock`, `hand-off`, `decided`. */
  readonly kind: string;

  /** The task is done; some variables go to the process instance, others to the task's own scope (output mappings). */
  static complete(variables?: Variables | null, localVariables?: Variables): Outcome;

  /** Gives the task back, for any worker to fetch no sooner than after `delay`. */
  static unlock(delay?: Duration): Outcome;

  /** Leaves the task locked for `duration`, for somebody else to complete under `task.workerId`. */
  static handOff(duration: Duration): Outcome;

  /** Nothing more: the handler has decided through {@link raw}. */
  static decided(): Outcome;
}

/**
 * Ends the task with a business error, which a boundary error event of this code catches. The manifest's `bpmn-errors`
 * should list the code: the engine silently ends the execution on one that the model does not catch.
 */
export class BpmnError extends Error {
  constructor(code: string, message?: string, variables?: Variables);
  readonly code: string;
  readonly variables?: Variables;
}

/**
 * What happens after a failure: the retry policy decides (the default); exactly so many retries are left (0 makes an
 * incident) and the next one waits so long; no further try; or a system that the handler needs is down, which uses up
 * no retry: the host pauses the topic and resumes when it is well again.
 */
export type Retry = 'policy' | 'never' | 'system-down' | { left: number; delay?: Duration };

/** What a {@link Failure} says besides its message. */
export interface FailureOptions {
  /** Anything longer that helps to find the cause. Default: the stack. */
  details?: string;
  /** What happens next. Default: the retry policy decides. */
  retry?: Retry;
  /** Variables for the process instance. */
  variables?: Variables;
  /** Variables for the task's own scope. */
  localVariables?: Variables;
  /** The error behind it. */
  cause?: unknown;
}

/** A technical failure that says more than an ordinary error. */
export class Failure extends Error {
  constructor(message: string, options?: FailureOptions);
  readonly retry: Retry;
  readonly details?: string;
  readonly variables?: Variables;
  readonly localVariables?: Variables;
}

// ---------------------------------------------------------------------------------------------------------- values

/** A 16-bit number: `Short`. */
export class Short {
  constructor(value: number | bigint);
  readonly value: number;
}

/** A 32-bit number: `Integer`. A whole `number` that fits is one without saying so. */
export class Integer {
  constructor(value: number | bigint);
  readonly value: number;
}

/** A 64-bit number: `Long`. A `bigint` is one without saying so. */
export class Long {
  constructor(value: number | bigint);
  readonly value: bigint;
}

/** `Double`. A `number` with a fraction is one without saying so; `new Double(5)` is one although it is whole. */
export class Double {
  constructor(value: number);
  readonly value: number;
}

/** `Json`. Arrays and plain objects are it without saying so. */
export class Json {
  constructor(value: unknown);
  /** Of its text, which is kept to the letter. */
  static fromText(text: string): Json;
  readonly text: string;
  readonly value: any;
}

/** `Xml` */
export class Xml {
  constructor(text: string);
  readonly text: string;
  toString(): string;
}

/** `Object`: a serialised object of the engine's side (Java). */
export class ObjectValue {
  /**
   * @param typeName its Java type, such as `java.util.ArrayList<java.lang.String>`
   * @param format how it is serialised, such as `application/json`
   */
  constructor(typeName: string, format: string, text: string);
  readonly typeName: string;
  readonly format: string;
  readonly text: string;
  /** The content of an object that is serialised as JSON. */
  json(): any;
}

/** A value of a type that the contract does not name; value and info are JSON texts. */
export class Other {
  constructor(typeName: string, value: string, valueInfo?: string);
  readonly typeName: string;
  readonly value: string;
  readonly valueInfo: string;
}

/** A value exactly as the contract (`wit/types.wit`) has it. As a variable it passes on unharmed, whatever it is. */
export class Raw {
  constructor(value: Value);
  readonly tag: Value['tag'];
  readonly val: any;
}

/** A variable that is usable within the engine's transaction (by a gateway behind the task, say) and not stored. */
export class Transient {
  constructor(value: unknown);
  readonly value: unknown;
}

/**
 * A point in time with the offset that it is written with. It is a `Date`, so all that works with dates works with it;
 * `toString` and `toJSON` write the offset. A plain `Date` as a variable is written with the offset 0.
 */
export class OffsetDate extends Date {
  /** @param offsetMinutes +02:00 is 120; by default the offset in `moment`, if that is a text that has one, or 0 */
  constructor(moment: string | number | Date, offsetMinutes?: number);
  readonly offsetMinutes: number;
}

/**
 * A file. One that comes with a task is still in the engine, is loaded when its content is first asked for, and can be
 * passed on as a variable without loading it.
 */
export class File {
  constructor(name: string, content: string | Uint8Array | ArrayBuffer, options?: { mimeType?: string; encoding?: string });
  readonly name: string;
  readonly mimeType?: string;
  readonly encoding?: string;
  /** Its content. Throws {@link LoadError}. */
  load(): Uint8Array;
  /** Its content as a text in its encoding (UTF-8 if it has none). Throws {@link LoadError}. */
  text(): string;
}

// ---------------------------------------------------------------------------------------- what a handler can call

type Write = (message: unknown, fields?: { readonly [name: string]: unknown }) => void;

/** Lines for the host's log, with fields. The host adds topic, task and version. `console` works too, without fields. */
export const log: {
  readonly trace: Write;
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
};

/** The plugin's settings, from `[config]` of its manifest, and the secrets granted to it. */
export const config: {
  /** One setting. */
  get(key: string): string | undefined;
  /** One setting; a failure that names it if it is missing. */
  required(key: string): string;
  /** One setting as a number, or the fallback; a failure that names it if it is no number, or missing without one. */
  number(key: string, fallback?: number): number;
  /** The names of all settings, sorted. */
  keys(): string[];
};

/** The task's variables one by one, for handlers that do not know their names. */
export const variables: {
  /** The names of all fetched variables, sorted. */
  names(): string[];
  /** A variable, as a handler without a schema sees it. */
  get(name: string): any;
  /** A variable exactly as the contract has it, to look at or to pass on. */
  raw(name: string): Raw | undefined;
  /** The engine's name of its type, such as `Integer`. */
  typeName(name: string): string | undefined;
};

/** Makes the lock last `duration` from now. Rarely needed: the host extends it by itself. Throws {@link LockError}. */
export function extendLock(duration: Duration): void;

/**
 * Sets variables at once, while the handler goes on: of the process instance, or of the task's own scope. What belongs
 * to the outcome goes with the outcome instead. Throws {@link ProgressError}.
 */
export function setProgress(variables: Variables, options?: { scope?: 'process' | 'local' }): void;

/** What a call of the host ended in, other than its result. Not caught, it is a failure under the retry policy. */
export class HostError extends Error {
  readonly kind: string;
}

/** Why a file could not be loaded. */
export class LoadError extends HostError {
  readonly kind: 'unknown' | 'not-a-file' | 'unavailable' | 'too-large';
}

/** Why a lock was not extended. */
export class LockError extends HostError {
  readonly kind: 'lock-lost' | 'invalid' | 'unavailable';
}

/** Why progress variables were not set. */
export class ProgressError extends HostError {
  readonly kind: 'invalid' | 'gone' | 'unavailable';
}

/**
 * The interfaces of the contract (`wit/handler.wit`) as they are, to decide or call without this library; usable under
 * Node too, within `run` of `fetchlock/test`. An error result is thrown, with the error as `payload`.
 */
export const raw: {
  readonly variables: typeof import('fetchlock:handler/variables@0.1.0');
  readonly task: typeof import('fetchlock:handler/task@0.1.0');
  readonly outcome: typeof import('fetchlock:handler/outcome@0.1.0');
  readonly log: typeof import('fetchlock:handler/log@0.1.0');
  readonly config: typeof import('fetchlock:handler/config@0.1.0');
};
