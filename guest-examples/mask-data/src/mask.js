// Masks parts of a JSON value: no host, only the rule.

const ways = {
  hide: () => '***',
  initials: (text) => text.replace(/(\S)\S*/gu, '$1.'),
  last4: (text) => '*'.repeat(Math.max(text.length - 4, 0)) + text.slice(-4),
  year: (text) => (/^\d{4}/.exec(text) ?? ['***'])[0],
};

/** The names of the ways to mask. */
export const WAYS = Object.keys(ways);

/**
 * A copy of `data` with what the rules name masked, and how much that was. A rule is a path such as `customer.iban`, or
 * `orders.*.card` for each member of a list or an object, and the way to mask what is there.
 */
export function mask(data, rules) {
  const masked = structuredClone(data);
  let count = 0;
  for (const [path, way] of rules) {
    count += maskAt(masked, path.split('.'), ways[way]);
  }
  return { masked, count };
}

function maskAt(parent, [key, ...rest], way) {
  if (parent === null || typeof parent !== 'object') {
    return 0;
  }
  const keys = key === '*' ? Object.keys(parent) : [key];
  return keys.filter((each) => Object.hasOwn(parent, each)).reduce((count, each) => {
    if (rest.length > 0) {
      return count + maskAt(parent[each], rest, way);
    }
    if (parent[each] === null) {
      return count;
    }
    // What is no text has nothing worth keeping a part of.
    parent[each] = ['string', 'number'].includes(typeof parent[each]) ? way(String(parent[each])) : ways.hide();
    return count + 1;
  }, 0);
}
