export { toModel } from './write-model';
