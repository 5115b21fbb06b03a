// Passes all variables on under new names, each exactly as it came.

import { handler, variables } from 'fetchlock';

export const handle = handler(async () => {
  const names = variables.names();
  return Object.fromEntries(names.map((name) => [`echo_${name}`, variables.raw(name)]));
});
