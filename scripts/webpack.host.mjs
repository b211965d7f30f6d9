import { join } from 'node:path';
import TerserPlugin from 'terser-webpack-plugin';

/**
 * The script inside Premiere Pro and After Effects: one file in ECMAScript 3. Not minified (nested conditionals break
 * ExtendScript's parser); terser only quotes reserved words and property names that ES3 does not allow bare.
 */
export function hostConfig(root) {
  return {
    name: 'host',
    mode: 'none',
    context: root,
    target: ['web', 'es5'],
    entry: { reverie: join(root, 'host-jsx/src/index.ts') },
    output: {
      path: join(root, 'dist/host'),
      filename: '[name].jsx',
      clean: true,
      iife: true,
      environment: {
        arrowFunction: false,
        const: false,
        destructuring: false,
        forOf: false,
        module: false,
        templateLiteral: false,
      },
    },
    devtool: false,
    resolve: { extensions: ['.ts'] },
    module: {
      rules: [
        {
          test: /\.ts$/,
          use: {
            loader: 'swc-loader',
            options: { jsc: { target: 'es5', parser: { syntax: 'typescript' }, loose: true }, module: { type: 'es6' } },
          },
        },
      ],
    },
    optimization: {
      concatenateModules: true,
      usedExports: true,
      sideEffects: true,
      minimize: true,
      minimizer: [
        new TerserPlugin({
          test: /\.jsx$/,
          extractComments: false,
          terserOptions: {
            ie8: true,
            compress: false,
            mangle: false,
            format: { beautify: true, ascii_only: true, quote_keys: true, comments: false },
          },
        }),
      ],
    },
    performance: false,
  };
}
