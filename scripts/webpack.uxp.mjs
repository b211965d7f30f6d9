import { join } from 'node:path';
import TerserPlugin from 'terser-webpack-plugin';
import { CopyPlugin } from './webpack.panel.mjs';

/** The plug-in's own script runs in UXP's JavaScript engine, which knows the language of this browser and few of its objects. */
const language = 'chrome 88';
/** What UXP gives to a plug-in by name. */
const modules = ['uxp', 'premierepro', 'fs', 'os'];

/** The UXP plug-in for Premiere Pro: dist/uxp/manifest.json, index.html, main.js. The panel's page is added when packaged. */
export function uxpConfig(root) {
  const source = join(root, 'extension/src');
  const swc = parser => ({ loader: 'swc-loader', options: { env: { targets: language }, jsc: { parser } } });
  return {
    name: 'uxp',
    mode: 'production',
    context: root,
    target: `browserslist:${language}`,
    entry: { main: [join(source, 'old-browsers.ts'), join(source, 'uxp/main.ts')] },
    output: { path: join(root, 'dist/uxp'), filename: '[name].js', clean: true },
    devtool: false,
    performance: { hints: false },
    resolve: { extensions: ['.ts', '.mjs', '.js'] },
    externalsType: 'commonjs',
    externals: Object.fromEntries(modules.map(name => [name, name])),
    module: {
      rules: [
        { test: /\.ts$/, use: swc({ syntax: 'typescript' }) },
        {
          test: /\.m?js$/,
          include: /node_modules/,
          use: swc({ syntax: 'ecmascript' }),
          resolve: { fullySpecified: false },
        },
      ],
    },
    optimization: {
      minimizer: [new TerserPlugin({ extractComments: false })],
      splitChunks: false,
      runtimeChunk: false,
    },
    plugins: [
      new CopyPlugin([join(source, 'uxp/manifest.json'), join(source, 'uxp/index.html'), join(source, 'icon.svg')]),
    ],
  };
}
