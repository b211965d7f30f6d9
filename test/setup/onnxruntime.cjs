/** Stands in for `onnxruntime-node` in tests: one instance for all test files of a process (see environment.cjs). */
module.exports = globalThis.sharedOnnxruntime;
