// Handlers for Fetchlock in JavaScript and TypeScript. The types and their documentation are in index.d.ts.

export { handler } from './handler.js';
export { InputError, json, optional } from './input.js';
export { Outcome } from './outcome.js';
export { BpmnError, Failure, HostError, LoadError, LockError, ProgressError } from './errors.js';
export { config, extendLock, log, setProgress, variables } from './calls.js';
export { File } from './file.js';
export { Double, Integer, Json, Long, ObjectValue, OffsetDate, Other, Raw, Short, Transient, Xml } from './values.js';
export { raw } from '#host';
