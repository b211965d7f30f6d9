/**
 * unit   fast, no programs of others, no built files
 * media  runs ffmpeg and nets on tiny clips
 * e2e    the built server and panel; headless Chromium
 * Each file says what it needs in its own folder; a skip prints its reason.
 */
const swc = {
  '\\.(t|j|mj)sx?$': [
    '@swc/jest',
    {
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', tsx: true },
        transform: { react: { runtime: 'automatic' } },
      },
    },
  ],
};
const base = {
  rootDir: import.meta.dirname ?? new URL('.', import.meta.url).pathname,
  transform: swc,
  transformIgnorePatterns: ['/node_modules/(?!(pbf|flatbuffers)/)'],
  moduleNameMapper: {
    '^onnxruntime-node$': '<rootDir>/test/setup/onnxruntime.cjs',
    '\\.module\\.css$': '<rootDir>/test/setup/css-module.ts',
    '\\.css$': '<rootDir>/test/setup/css-module.ts',
  },
  testEnvironment: '<rootDir>/test/setup/environment.cjs',
  // A look at a global costs 0.2 us in a test's own realm: without this every loop over pixels is thirty times slower.
  sandboxInjectedGlobals: ['Math', 'Number', 'Float32Array', 'Float64Array', 'Int32Array', 'Uint8Array'],
};
const long = process.env.REVERIE_LONG === '1';
export default {
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts?(x)'],
      testPathIgnorePatterns: ['/node_modules/', '/test/media/', '/test/e2e/', '/test/long/'],
    },
    { ...base, displayName: 'media', testMatch: ['<rootDir>/test/media/**/*.test.ts'] },
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.test.ts'] },
    ...(long ? [{ ...base, displayName: 'long', testMatch: ['<rootDir>/test/long/**/*.test.ts'] }] : []),
  ],
  testTimeout: 120_000,
};
