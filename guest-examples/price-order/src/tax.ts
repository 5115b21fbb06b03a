// The rate of tax of a country, from a service. How its answers become outcomes of the task is decided here.

import { BpmnError, Failure, config } from 'fetchlock';

/** How long to leave a service alone that does not say it, in milliseconds. */
const DELAY = 60_000;

/** Asks the service that the manifest names, over the HTTP that it requests. */
export async function taxRateOf(country: string): Promise<number> {
  const url = `${config.required('tax-service')}/rates/${encodeURIComponent(country)}`;
  const response = await send(url);
  if (response.status === 404) {
    throw new BpmnError('UNKNOWN_COUNTRY', `no rate of tax is known for ${country}`, { country });
  }
  if (response.status >= 500) {
    // The service is down, the handler is well: no retry is used up, and the host tries again when it is back.
    throw new Failure(`the tax service answered ${response.status}`, { retry: 'system-down' });
  }
  if (response.status === 429) {
    const delay = delayOf(response.headers.get('retry-after'));
    throw new Failure('the tax service has had enough of us', { retry: { left: 3, delay } });
  }
  if (!response.ok) {
    throw new Failure(`the tax service answered ${response.status} to GET ${url}`, { details: await response.text() });
  }
  return rateIn(await response.json());
}

/** The milliseconds that a header `Retry-After` asks for: it is a number of seconds, or the date until which to wait. */
function delayOf(retryAfter: string | null): number {
  if (retryAfter !== null && /^\d+$/.test(retryAfter)) {
    return Number(retryAfter) * 1000;
  }
  const until = Date.parse(retryAfter ?? '');
  // It may be missing, or neither of the two.
  return Number.isNaN(until) ? DELAY : Math.max(until - Date.now(), 0);
}

async function send(url: string): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  const key = config.get('tax-service-key');
  if (key !== undefined) {
    headers.authorization = `Bearer ${key}`;
  }
  try {
    return await fetch(url, { headers });
  } catch (cause) {
    // No answer, or no grant: the retry policy decides, so that what never gets better ends in an incident.
    throw new Failure(`the tax service cannot be reached: GET ${url}`, { cause });
  }
}

function rateIn(answer: unknown): number {
  const rate = (answer as { rate?: unknown } | null)?.rate;
  if (typeof rate !== 'number' || rate < 0 || rate > 1) {
    throw new Failure('the tax service answered without a `rate` from 0 to 1', { details: JSON.stringify(answer) });
  }
  return rate;
}
