export { toModel } from './write-model';
export type { ModelParts } from './write-model';
export { describeModel, fromModel } from './read-model';
export type { ModelDescription, ModelPort, ReadModel, ReadOptions } from './read-model';
