const { TestEnvironment } = require('jest-environment-node');

/**
 * Jest runs tests in a realm of their own, but native addons (onnxruntime, sharp) hand out and check for the outer
 * realm's typed arrays. Sharing them makes `instanceof` agree on both sides.
 */
module.exports = class SharedTypedArraysEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    for (const name of [
      'ArrayBuffer',
      'SharedArrayBuffer',
      'Uint8Array',
      'Uint8ClampedArray',
      'Int8Array',
      'Uint16Array',
      'Int16Array',
      'Uint32Array',
      'Int32Array',
      'Float32Array',
      'Float64Array',
      'BigInt64Array',
      'BigUint64Array',
      'DataView',
    ]) {
      this.global[name] = globalThis[name];
    }
    // Loaded outside and at most once a process: onnxruntime's addon aborts when a second realm starts it
    // ("Assertion failed: (insertion_info.second) == (true)"). test/setup/onnxruntime.cjs hands it to the tests.
    Object.defineProperty(this.global, 'sharedOnnxruntime', { get: () => require('onnxruntime-node') });
  }
};
