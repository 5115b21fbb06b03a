/**
 * The raw interfaces of the host, as `wit/*.wit` has them and documents them. A handler that uses the library needs
 * none of it. Importing one of these modules works in a component only, not under Node.
 */

declare module 'fetchlock:handler/types@0.1.0' {
  export interface Date {
    unixMillis: bigint;
    offsetMinutes: number;
  }
  export type FileContent = { tag: 'bytes'; val: Uint8Array } | { tag: 'stored'; val: string };
  export interface File {
    filename: string;
    mimeType?: string;
    encoding?: string;
    content: FileContent;
  }
  export interface Object {
    typeName: string;
    format: string;
    text: string;
  }
  export interface Other {
    typeName: string;
    value: string;
    valueInfo: string;
  }
  export type Value =
    | { tag: 'null'; val?: string }
    | { tag: 'boolean'; val: boolean }
    | { tag: 'short'; val: number }
    | { tag: 'integer'; val: number }
    | { tag: 'long'; val: bigint }
    | { tag: 'double'; val: number }
    | { tag: 'text'; val: string }
    | { tag: 'date'; val: Date }
    | { tag: 'bytes'; val: Uint8Array }
    | { tag: 'file'; val: File }
    | { tag: 'json'; val: string }
    | { tag: 'xml'; val: string }
    | { tag: 'object'; val: Object }
    | { tag: 'other'; val: Other };
  export interface Variable {
    name: string;
    value: Value;
    transient: boolean;
  }
}

declare module 'fetchlock:handler/variables@0.1.0' {
  import type { Value, Variable } from 'fetchlock:handler/types@0.1.0';
  export type Scope = 'process' | 'local';
  export function get(name: string): Value | undefined;
  export function getMany(names: string[]): (Value | undefined)[];
  export function typeName(name: string): string | undefined;
  export function names(): string[];
  export function load(name: string): Uint8Array;
  export function setProgress(variables: Variable[], scope: Scope): void;
}

declare module 'fetchlock:handler/task@0.1.0' {
  import type { Date } from 'fetchlock:handler/types@0.1.0';
  export interface Context {
    id: string;
    topic: string;
    businessKey?: string;
    activityId: string;
    activityInstanceId: string;
    executionId: string;
    processInstanceId: string;
    processDefinitionId: string;
    processDefinitionKey: string;
    processDefinitionVersionTag?: string;
    tenantId?: string;
    retries?: number;
    priority: bigint;
    createTime?: Date;
    extensionProperties: [string, string][];
    workerId: string;
    errorMessage?: string;
    errorDetails?: string;
  }
  export function get(): Context;
}

declare module 'fetchlock:handler/outcome@0.1.0' {
  import type { Variable } from 'fetchlock:handler/types@0.1.0';
  export type Retry =
    | { tag: 'policy' }
    | { tag: 'exactly'; val: { left: number; delay: bigint } }
    | { tag: 'never' }
    | { tag: 'system-down' };
  export interface Failure {
    message: string;
    details?: string;
    retry: Retry;
    variables: Variable[];
    localVariables: Variable[];
  }
  export function complete(variables: Variable[], localVariables: Variable[]): void;
  export function fail(failure: Failure): void;
  export function bpmnError(code: string, message: string | undefined, variables: Variable[]): void;
  export function unlock(delay: bigint): void;
  export function handOff(duration: bigint): void;
  export function extendLock(duration: bigint): void;
}

declare module 'fetchlock:handler/log@0.1.0' {
  export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';
  export function write(level: Level, message: string, fields: [string, string][]): void;
}

declare module 'fetchlock:handler/config@0.1.0' {
  export function get(key: string): string | undefined;
  export function keys(): string[];
}

declare module 'fetchlock:handler/engine@0.1.0' {
  import type { Variable } from 'fetchlock:handler/types@0.1.0';
  export interface ProcessStart {
    key: string;
    tenantId?: string;
    businessKey?: string;
    variables: Variable[];
    unlessRunning: boolean;
  }
  export type Started = { tag: 'new'; val: string } | { tag: 'running'; val: string };
  export type MessageTenant = { tag: 'any' } | { tag: 'without' } | { tag: 'id'; val: string };
  export interface Message {
    name: string;
    businessKey?: string;
    processInstanceId?: string;
    correlationKeys: Variable[];
    localCorrelationKeys: Variable[];
    tenant: MessageTenant;
    variables: Variable[];
    localVariables: Variable[];
    receivers: 'one' | 'all';
  }
  export type Receiver = { tag: 'waiting'; val: string } | { tag: 'started'; val: string };
  export function startProcess(start: ProcessStart): Started;
  export function correlateMessage(message: Message): Receiver[];
}
