export { constant, constantNumbers, input, int64s, node, scalar, zeros } from './build/node';
export type { ConstantOptions, Operand } from './build/node';
export * from './build/pointwise';
export * from './build/arrange';
export * from './build/reduce';
export * from './build/convolve';
export * from './build/resample';
