import { join } from 'node:path';
import ts from 'typescript';

const root = join(__dirname, '../..');

/**
 * The objects that the script works with, and that the fakes imitate, are excerpts of the published types. Each
 * published type must be usable as its excerpt. Both hosts declare the same globals, so each is a program of its own.
 */
function complaints(reference: string, excerpts: string, pairs: Record<string, string>): string[] {
  const file = join(root, 'test/host-jsx/published-types-program.ts');
  const text = [
    `/// <reference path="${join(root, 'node_modules/types-for-adobe', reference, 'index.d.ts')}" />`,
    `import type * as Ours from '${join(root, 'host-jsx/src', excerpts)}';`,
    ...Object.entries(pairs).map(
      ([ours, published]) =>
        `export function is${ours.replace(/\W/g, '')}(given: ${published}): Ours.${ours} { return given; }`,
    ),
  ].join('\n');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    lib: ['lib.es5.d.ts'],
    types: [],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    ignoreDeprecations: '6.0',
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest);
  host.fileExists = name => name === file || fileExists(name);
  host.readFile = name => (name === file ? text : readFile(name));
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file);
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(each =>
    ts.flattenDiagnosticMessageText(each.messageText, '\n'),
  );
}

const afterEffects = {
  AeFile: 'File',
  AeItem: 'Item',
  AeSource: 'FootageItem',
  AeLayer: 'AVLayer',
  AeMarker: 'MarkerValue',
  AeComposition: 'CompItem',
  AeOutputModule: 'OutputModule',
  AeQueueItem: 'RenderQueueItem',
  AeQueue: 'RenderQueue',
  AeProject: 'Project',
  AeApp: 'Application',
};

test.each(['22.0', '26.0'])('what is used of After Effects is as its published types %s say', version => {
  expect(complaints(`AfterEffects/${version}`, 'aftereffects/dom', afterEffects)).toEqual([]);
});

const premiere = {
  Time: 'Time',
  PremiereItem: 'ProjectItem',
  PremiereClip: 'TrackItem',
  PremiereMarker: 'Marker',
  PremiereTrack: 'Track',
  // The types want four arguments of `createMarker`; the guide and Adobe's sample give it one.
  PremiereSequence: "Omit<Sequence, 'markers'> & Pick<Ours.PremiereSequence, 'markers'>",
  HostFile: 'File',
};

test('what is used of Premiere is as its published types 24.0 say', () => {
  expect(complaints('Premiere/24.0', 'premiere/dom', premiere)).toEqual([]);
});

test('a type that is not as published is noticed', () => {
  expect(complaints('AfterEffects/26.0', 'aftereffects/dom', { AeLayer: 'MarkerValue' })).not.toEqual([]);
});
