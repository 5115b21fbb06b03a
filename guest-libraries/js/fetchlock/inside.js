// Whether the host may be called now.

import { isInside, raw } from '#host';

/** The host's interfaces as the WIT has them; an error where no handler runs. `what` is what was called. */
export function host(what) {
  if (!isInside()) {
    throw new Error(
      `${what} was called outside of a handler: what stands at the top level of a module runs once, when the ` +
        'component is built, and not for each task. Call it inside of the function that is given to handler(...)',
    );
  }
  return raw;
}

/** The payload of an error result, which arrives as an exception; anything else is thrown on. */
export function payloadOf(error) {
  if (error !== null && typeof error === 'object' && 'payload' in error) {
    return error.payload;
  }
  throw error;
}
