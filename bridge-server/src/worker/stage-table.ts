import type { StageTable } from '../pipeline/stage-chain';
import { composite } from '../stages/composite';
import { dream } from '../stages/dream';
import { key } from '../stages/key';
import { resize } from '../stages/resize';
import { retime } from '../stages/retime';
import { stylize } from '../stages/stylize';
import { upscale } from '../stages/upscale';
import { zoom } from '../stages/zoom';

/** Every stage that a plan may name; an added stage is one row. */
export const stageTable: StageTable = { key, stylize, dream, zoom, composite, upscale, retime, resize };
