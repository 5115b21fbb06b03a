// Makes the component of a project: `node node_modules/fetchlock/build.js --out FILE [--http]` in its folder.
//
// The steps are tsc (types only, where there is a tsconfig.json), esbuild (one file of it all) and componentize-js,
// each with its own messages. `fetchlock build` calls this; it may be called without Fetchlock too.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { rangesOf } from './source-map.js';
import { mapped } from './stack.js';

const LIBRARY = dirname(fileURLToPath(import.meta.url));
const ENTRIES = ['src/handler.ts', 'src/handler.js'];
const BUNDLE = 'dist/handler.js';
const ENGINE = 'fetchlock:handler/engine@';

// How a process ends that has found a mistake in the code, and one that cannot work at all.
const REFUSED = 1;
const UNUSABLE = 2;

const NO_NODE =
  "A handler runs in a sandbox without Node: Node's modules are not there, and no `platform` brings them. " +
  'What is there: fetch, URL, TextEncoder, crypto, timers, structuredClone, console.';

/** What is told without a stack, and how the process ends then. */
class Stop extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** A tool of the project; hoisted ones, as of a workspace, are found too. */
function toolFolder(name) {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(candidate)) {
      return candidate;
    }
    if (folder === dirname(folder)) {
      throw new Stop(UNUSABLE, `${name} is not installed in ${process.cwd()}: run \`npm ci\` there (or \`npm install\`)`);
    }
  }
}

function tool(name, path) {
  return import(pathToFileURL(join(toolFolder(name), path)).href);
}

function checkTypes() {
  if (!existsSync('tsconfig.json')) {
    return;
  }
  console.log('tsc: checking types');
  const tsc = join(toolFolder('typescript'), 'bin/tsc');
  const pretty = String(process.stdout.isTTY === true);
  const { status, error, stdout } = spawnSync(process.execPath, [tsc, '--noEmit', '--pretty', pretty, '-p', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  process.stderr.write(stdout ?? '');
  if (error !== undefined) {
    throw error;
  }
  if (status !== 0) {
    throw new Stop(REFUSED);
  }
}

/** Bundles, and returns the text of the bundle, its source map, and what it imports of the host. */
async function bundle(entry, hasHttp) {
  console.log(`esbuild: bundling ${entry}`);
  const { build } = await tool('esbuild', 'lib/main.js');
  const guard = hasHttp ? '' : `import ${JSON.stringify(join(LIBRARY, 'host/no-fetch.js'))};\n`;
  const result = await build({
    stdin: { contents: `${guard}export * from './${entry}';\n`, resolveDir: process.cwd(), sourcefile: 'entry.js' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['fetchlock', 'module'],
    external: ['fetchlock:*'],
    outfile: BUNDLE,
    sourcemap: 'external',
    sourcesContent: false,
    charset: 'utf8',
    metafile: true,
    write: false,
    logLevel: 'warning',
  }).catch((error) => {
    // esbuild has told what is wrong; but its advice for Node's modules is for programs that Node runs.
    const isOfNode = error.errors?.some(({ notes }) => notes.some(({ text }) => text.includes('built into node')));
    throw error.errors === undefined ? error : new Stop(REFUSED, isOfNode ? NO_NODE : '');
  });
  const text = (end) => result.outputFiles.find(({ path }) => path.endsWith(end)).text;
  const [output] = Object.values(result.metafile.outputs).filter(({ entryPoint }) => entryPoint !== undefined);
  if (!output.exports.includes('handle')) {
    throw new Stop(REFUSED, `${entry} exports no \`handle\`: expected \`export const handle = handler(...)\``);
  }
  const code = text('.js');
  return { code, map: sourceMap(code, text('.map')), imports: output.imports.map(({ path }) => path) };
}

function sourceMap(code, text) {
  const { sources, mappings } = JSON.parse(text);
  return { file: BUNDLE, sources: sources.map(shownSource), ranges: rangesOf(code, mappings) };
}

/** How a stack names a source: from the project's folder, the library as `fetchlock/`, and no folder of the machine. */
function shownSource(source) {
  const path = resolve(dirname(BUNDLE), source);
  return path.startsWith(LIBRARY + sep)
    ? `fetchlock/${relative(LIBRARY, path)}`
    : relative(process.cwd(), path).replace(/^(\.\.\/)+/, '');
}

async function componentize({ code, map, imports }, hasHttp) {
  mkdirSync(dirname(BUNDLE), { recursive: true });
  writeFileSync(BUNDLE, `${code}\nglobalThis.__fetchlockSourceMap = ${JSON.stringify(map)};\n`);
  // All imports of a world get into the component, used or not.
  const worldName = imports.some((path) => path.startsWith(ENGINE)) ? 'handler-with-engine' : 'handler';
  console.log(`componentize-js: making the component of world ${worldName}${hasHttp ? ' with HTTP' : ''}`);
  const { componentize: make } = await tool('@bytecodealliance/componentize-js', 'src/componentize.js');
  const disableFeatures = hasHttp ? ['fetch-event'] : ['fetch-event', 'http'];
  try {
    const { component } = await make({
      sourcePath: resolve(BUNDLE),
      witPath: join(LIBRARY, 'wit'),
      worldName,
      disableFeatures,
    });
    return component;
  } catch (error) {
    throw new Stop(REFUSED, refusal(String(error.message), map));
  }
}

// componentize-js runs the top level of the bundle; what goes wrong there is told with the places of the source.
function refusal(message, map) {
  const hint = message.includes('unknown imported function')
    ? '\nThe top level of a module runs when the component is built, where there is no host: call it in the handler.'
    : '';
  return mapped(message, map) + hint;
}

async function main() {
  const { values } = parseArgs({ options: { out: { type: 'string' }, http: { type: 'boolean', default: false } } });
  if (values.out === undefined) {
    throw new Stop(UNUSABLE, `usage: node ${basename(import.meta.url)} --out FILE [--http]`);
  }
  const entry = ENTRIES.find((path) => existsSync(path));
  if (entry === undefined) {
    throw new Stop(UNUSABLE, `${process.cwd()} has no handler: expected ${ENTRIES.join(' or ')}`);
  }
  checkTypes();
  const bundled = await bundle(entry, values.http);
  const component = await componentize(bundled, values.http);
  writeFileSync(values.out, component);
  console.log(`${values.out}: ${(component.length / 1e6).toFixed(1)} MB`);
}

main().catch((error) => {
  if (error instanceof Stop) {
    process.exitCode = error.code;
    if (error.message !== '') {
      console.error(error.message);
    }
    return;
  }
  process.exitCode = UNUSABLE;
  console.error(error.code?.startsWith('ERR_PARSE_ARGS') ? error.message : error);
});
