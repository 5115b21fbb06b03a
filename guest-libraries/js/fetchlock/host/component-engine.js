// The interface `engine` as a component sees it. Only who imports `fetchlock/engine` gets here, so that the others'
// components do not import it.

import * as engine from 'fetchlock:handler/engine@0.1.0';

export { engine };
