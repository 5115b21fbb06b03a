// Prices an order: the variable `order` (Json) becomes `price` (Json) and `total` (Double).

import { Double, handler, json, log } from 'fetchlock';

import { parseOrder, priceOf } from './price';
import { taxRateOf } from './tax';

/** Handles one task. */
export const handle = handler({ order: json(parseOrder) }, async (task, { order }) => {
  const rate = await taxRateOf(order.country);
  const price = priceOf(order, rate);
  log.info('priced', { country: order.country, rate, total: price.total, businessKey: task.businessKey });
  return { price, total: new Double(price.total) };
});
