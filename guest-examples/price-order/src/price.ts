// The price of an order: no host, no HTTP, only arithmetic. Money is in whole cents, so that sums are exact.

/** What the process has as its variable `order`. */
export interface Order {
  country: string;
  items: Item[];
}

/** One line of it. */
export interface Item {
  sku: string;
  quantity: number;
  /** The price of one, without tax. */
  price: number;
}

/** What the customer pays. */
export interface Price {
  net: number;
  tax: number;
  total: number;
}

/** Checks what came as JSON; throws what is wrong with it. */
export function parseOrder(value: unknown): Order {
  const order = value as Partial<Order> | null;
  if (typeof order?.country !== 'string' || !/^[A-Z]{2}$/.test(order.country)) {
    throw new Error('expected `country`, two capitals such as "DE"');
  }
  if (!Array.isArray(order.items) || order.items.length === 0) {
    throw new Error('expected `items`, a list that is not empty');
  }
  order.items.forEach(({ sku, quantity, price }, index) => {
    if (typeof sku !== 'string' || !Number.isInteger(quantity) || quantity < 1 || !(price >= 0)) {
      throw new Error(`item ${index + 1}: expected a \`sku\`, a \`quantity\` of at least 1 and a \`price\``);
    }
  });
  return { country: order.country, items: order.items };
}

/** The price at a rate of tax such as 0.19. */
export function priceOf(order: Order, taxRate: number): Price {
  const net = order.items.reduce((sum, { quantity, price }) => sum + quantity * cents(price), 0);
  const tax = Math.round(net * taxRate);
  return { net: net / 100, tax: tax / 100, total: (net + tax) / 100 };
}

function cents(amount: number): number {
  return Math.round(amount * 100);
}
