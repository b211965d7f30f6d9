import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Programs of the bridge: what people start (`cli`), and what the server forks or runs as a thread. */
const entries = {
  cli: 'cli/main.ts',
  bench: 'cli/bench-program.ts',
  worker: 'worker/main.ts',
  'ort-thread': 'runtime/ort-thread.ts',
  'probe-provider': 'runtime/probe-provider.ts',
  'flow-thread': 'stages/flow/flow-thread.ts',
};

/** Native or self-locating packages stay packages, and go along in a package; everything else becomes part of the file. */
export const external = [
  'onnxruntime-node',
  'sharp',
  '@ffmpeg-installer/ffmpeg',
  'pino',
  'bullmq',
  'ioredis',
  'express',
  'ws',
];

export function serverConfig(root) {
  const source = join(root, 'bridge-server/src');
  const present = Object.entries(entries).filter(([, file]) => existsSync(join(source, file)));
  return {
    mode: 'production',
    target: 'node20',
    devtool: 'source-map',
    context: root,
    entry: Object.fromEntries(present.map(([name, file]) => [name, join(source, file)])),
    output: { path: join(root, 'dist/server'), filename: '[name].js', libraryTarget: 'commonjs2', clean: true },
    resolve: { extensions: ['.ts', '.js'] },
    externalsType: 'commonjs',
    externals: external.map(name => ({ [name]: name })),
    // The programs find each other and the assets by their own place on disk.
    node: { __dirname: false, __filename: false },
    // Readable stack traces are worth more here than small files.
    optimization: { minimize: false },
    module: {
      rules: [
        {
          test: /\.ts$/,
          use: { loader: 'swc-loader', options: { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } } },
        },
      ],
    },
    performance: false,
  };
}
