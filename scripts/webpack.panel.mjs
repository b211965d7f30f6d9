import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import MiniCssExtractPlugin from 'mini-css-extract-plugin';
import TerserPlugin from 'terser-webpack-plugin';
import webpack from 'webpack';

/** Premiere 22 to 24 run panels in Chromium 88; everything in the bundle, dependencies too, is brought down to that. */
const oldestBrowser = 'chrome 88';

/** Copies files as they are. The page has no inline script and names its two files itself, so any content policy fits it. */
export class CopyPlugin {
  constructor(files) {
    this.files = files;
  }
  apply(compiler) {
    compiler.hooks.thisCompilation.tap('CopyPlugin', compilation => {
      compilation.hooks.processAssets.tap(
        { name: 'CopyPlugin', stage: webpack.Compilation.PROCESS_ASSETS_STAGE_ADDITIONAL },
        () => {
          for (const file of this.files) {
            compilation.fileDependencies.add(file);
            compilation.emitAsset(basename(file), new webpack.sources.RawSource(readFileSync(file)));
          }
        },
      );
    });
  }
}

const swc = {
  loader: 'swc-loader',
  options: {
    env: { targets: oldestBrowser },
    jsc: { parser: { syntax: 'typescript', tsx: true }, transform: { react: { runtime: 'automatic' } } },
  },
};
const swcDependency = {
  loader: 'swc-loader',
  options: { env: { targets: oldestBrowser }, jsc: { parser: { syntax: 'ecmascript' } } },
};

/** The panel: dist/panel/index.html, main.js, main.css. */
export function panelConfig(root, { mode = 'production' } = {}) {
  const source = join(root, 'extension/src');
  return {
    name: 'panel',
    mode,
    context: root,
    target: `browserslist:${oldestBrowser}`,
    entry: {
      main: [
        join(source, 'old-browsers.ts'),
        ...(mode === 'production' ? [] : [join(source, 'reload-when-rebuilt.ts')]),
        join(source, 'main.tsx'),
      ],
    },
    output: { path: join(root, 'dist/panel'), filename: '[name].js', clean: true },
    devtool: mode === 'production' ? false : 'source-map',
    performance: { hints: false },
    resolve: { extensions: ['.tsx', '.ts', '.mjs', '.js'] },
    module: {
      rules: [
        { test: /\.tsx?$/, use: swc },
        { test: /\.m?js$/, include: /node_modules/, use: swcDependency, resolve: { fullySpecified: false } },
        {
          test: /\.css$/,
          use: [
            MiniCssExtractPlugin.loader,
            {
              loader: 'css-loader',
              options: {
                url: false,
                modules: {
                  auto: /\.module\.css$/,
                  namedExport: false,
                  exportLocalsConvention: 'as-is',
                  localIdentName: '[name]__[local]',
                },
              },
            },
          ],
        },
      ],
    },
    optimization: {
      minimizer: [new TerserPlugin({ extractComments: false })],
      splitChunks: false,
      runtimeChunk: false,
    },
    plugins: [
      new MiniCssExtractPlugin({ filename: '[name].css' }),
      new CopyPlugin([
        join(source, 'index.html'),
        join(source, 'icon.svg'),
        join(source, 'command/stylize.html'),
        join(source, 'command/stylize.js'),
        join(source, 'command/Reverie - Stylize selection.jsx'),
      ]),
    ],
  };
}
