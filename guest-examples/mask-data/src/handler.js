// Masks personal data: the variable `data` (Json) becomes `masked` (Json), by the rules in [config] of the manifest.

import { BpmnError, Failure, config, handler, log } from 'fetchlock';

import { WAYS, mask } from './mask.js';

/** Handles one task. */
export const handle = handler({ data: 'json' }, async (task, { data }) => {
  if (data === null || typeof data !== 'object') {
    throw new BpmnError('NOT_MASKABLE', 'the data are no object and no list');
  }
  const { masked, count } = mask(data, rules());
  log.info('masked', { count, processInstance: task.processInstanceId });
  return { masked, maskedCount: count };
});

function rules() {
  const found = config.keys().map((path) => [path, config.get(path)]);
  const wrong = found.filter(([, way]) => !WAYS.includes(way));
  if (wrong.length > 0) {
    const [path, way] = wrong[0];
    const text = `[config] of the manifest: \`${path}\`: expected ${WAYS.join(', ')}, found "${way}"`;
    throw new Failure(text, { retry: 'never' });
  }
  return found;
}
