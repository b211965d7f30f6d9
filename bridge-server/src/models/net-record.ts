import { z } from 'zod';
import { netInfoSchema } from '#protocol/messages';

/** What stands in `net.json` beside a pulled or imported net, and what `reverie models` prints. */
export const netRecordSchema = netInfoSchema.extend({
  version: z.literal(1),
  architecture: z.string(),
  /** Of the net's ONNX file; empty while it is not installed. */
  sha256: z.string().regex(/^([0-9a-f]{64})?$/),
  convention: z.object({ order: z.enum(['rgb', 'bgr', 'grey']), scale: z.number(), mean: z.array(z.number()).max(4) }),
  multipleOf: z.int().positive(),
});
export type NetRecord = z.infer<typeof netRecordSchema>;
