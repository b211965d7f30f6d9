import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';

/**
 * Imports only point to the right:
 *   main, cli > server > jobs > effects > protocol
 *   worker > pipeline > stages, runtime, media, models, audio
 *   stages > nets > graph;  stages, runtime, media > frame;  all may import protocol
 */
const source = join(__dirname, '../bridge-server/src');

const allowed: Record<string, readonly string[]> = {
  protocol: [],
  frame: ['protocol'],
  graph: ['protocol', 'frame'],
  nets: ['graph', 'frame', 'protocol'],
  runtime: ['frame', 'graph', 'protocol'],
  media: ['frame', 'protocol'],
  models: ['graph', 'nets', 'frame', 'runtime', 'protocol'],
  audio: ['frame', 'protocol'],
  effects: ['protocol', 'jobs/task'],
  stages: ['nets', 'graph', 'frame', 'protocol', 'runtime', 'pipeline/stage', 'pipeline/random'],
  pipeline: ['stages', 'runtime', 'media', 'models', 'audio', 'nets', 'graph', 'frame', 'jobs/task', 'protocol'],
  worker: [
    'pipeline',
    'stages',
    'runtime',
    'media',
    'models',
    'audio',
    'nets',
    'graph',
    'frame',
    'jobs/task',
    'protocol',
  ],
  jobs: ['effects', 'media', 'models', 'frame', 'protocol', 'worker/messages'],
  server: ['jobs', 'effects', 'media', 'models', 'audio', 'runtime', 'frame', 'protocol'],
  cli: ['*'],
  main: ['*'],
};

/** Folders that compute and nothing else: no file, process, clock or network. */
const pureFolders = ['graph', 'nets', 'frame', 'effects', 'protocol'];
const pureFiles = ['jobs/plan.ts', 'jobs/estimate.ts'];
const outsideWorld = /^(node:)?(fs|child_process|net|http|https|os|worker_threads|dgram|tls|path|process|timers)(\/|$)/;

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap(name => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesBelow(path);
    return /\.tsx?$/.test(name) && !name.endsWith('.as.ts') ? [path] : [];
  });
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/(?:from|import|require\(|import\()\s*'([^']+)'/g)].map(match => match[1]);
}

/** "stages/flow" for a relative import, "protocol/time" for `#protocol/time`, undefined for a package. */
function target(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('#protocol/')) return specifier.slice(1);
  if (!specifier.startsWith('.')) return undefined;
  return relative(source, normalize(join(dirname(path), specifier)))
    .split(sep)
    .join('/');
}

const files = filesBelow(source);
const folderOf = (path: string) => relative(source, path).split(sep)[0].replace(/\.ts$/, '');

test('imports point only where the table allows', () => {
  const wrong: string[] = [];
  for (const path of files) {
    const folder = folderOf(path);
    const rules = allowed[folder] ?? ['*'];
    for (const specifier of importsOf(path)) {
      const to = target(path, specifier);
      if (to === undefined || rules.includes('*') || to.split('/')[0] === folder) continue;
      const fits = rules.some(rule => to === rule || (!rule.includes('/') && to.startsWith(`${rule}/`)));
      if (!fits) wrong.push(`${relative(source, path)} -> ${to}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('pure folders touch no file, process, clock or network', () => {
  const wrong: string[] = [];
  for (const path of files) {
    const name = relative(source, path).split(sep).join('/');
    if (!pureFolders.includes(folderOf(path)) && !pureFiles.includes(name)) continue;
    const bad = importsOf(path).filter(specifier => outsideWorld.test(specifier));
    const clock = /\b(Date\.now|new Date\(\)|Math\.random|setTimeout|performance\.now|process\.)\b/.test(
      readFileSync(path, 'utf8'),
    );
    if (bad.length > 0 || clock) wrong.push(`${name}: ${bad.join(', ')}${clock ? ' clock or randomness' : ''}`);
  }
  expect(wrong).toEqual([]);
});

test('protocol imports zod and nothing else', () => {
  const packages = files
    .filter(path => folderOf(path) === 'protocol')
    .flatMap(path => importsOf(path).filter(specifier => target(path, specifier) === undefined));
  expect([...new Set(packages)].filter(name => name !== 'zod')).toEqual([]);
});

test('no cycles', () => {
  const graph = new Map(
    files.map(path => {
      const name = relative(source, path).split(sep).join('/').replace(/\.ts$/, '');
      // Types vanish when compiled: `import type` cannot make a cycle at run time.
      const text = readFileSync(path, 'utf8')
        .replace(/import type [^;]+;/g, '')
        .replace(/export type \{[^}]*\} from [^;]+;/g, '');
      const to = [...text.matchAll(/(?:from|import|require\(|import\()\s*'([^']+)'/g)]
        .map(match => target(path, match[1]))
        .filter((value): value is string => value !== undefined);
      return [name, to] as const;
    }),
  );
  const state = new Map<string, 'open' | 'closed'>();
  const cycles: string[] = [];
  const visit = (name: string, trail: readonly string[]): void => {
    const key = graph.has(name) ? name : `${name}/index`;
    if (!graph.has(key) || state.get(key) === 'closed') return;
    if (state.get(key) === 'open') {
      cycles.push([...trail.slice(trail.indexOf(key)), key].join(' -> '));
      return;
    }
    state.set(key, 'open');
    for (const next of graph.get(key) ?? []) visit(next, [...trail, key]);
    state.set(key, 'closed');
  };
  for (const name of graph.keys()) visit(name, []);
  expect(cycles).toEqual([]);
});

test('the panel reaches into the server only for the protocol', () => {
  const panel = join(__dirname, '../extension/src');
  const wrong = filesBelow(panel).flatMap(path =>
    importsOf(path)
      .filter(
        specifier =>
          /bridge-server/.test(specifier) ||
          (specifier.startsWith('.') && !normalize(join(dirname(path), specifier)).startsWith(panel)),
      )
      .map(specifier => `${relative(panel, path)} -> ${specifier}`),
  );
  expect(wrong).toEqual([]);
});
