import { z } from 'zod';
import { choice } from './parameter';

/** Any rate to a constant one. The target rate is the preset's output rate. */
export const retimeParams = z.object({
  method: choice(['flow', 'blend', 'repeat', 'rife'], 'flow', {
    label: 'retime.method',
    help: 'New frames by motion, by blending, by repeating, or by the RIFE net.',
    level: 'simple',
  }),
});
export type RetimeParams = z.infer<typeof retimeParams>;
