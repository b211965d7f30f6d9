import { z } from 'zod';

/** Something that happened to one frame or stage and that a person may want to know. */
export const noticeKinds = [
  'frame-concealed', // a damaged source frame was replaced
  'frame-repaired', // a check found a defect and a second try mended it
  'frame-suspect', // a check found something that a second try did not change
  'flow-doubtful', // the flow was not usable; the frame was made without it
  'fallback', // a provider, size or tile was changed
  'cut', // a scene cut was found
  'note',
] as const;

export const noticeSchema = z.object({
  kind: z.enum(noticeKinds),
  stage: z.string(),
  frame: z.int().nonnegative().optional(),
  /** English; short; says what and why. */
  text: z.string(),
});
export type Notice = z.infer<typeof noticeSchema>;

/** Figures of design section 7; absent means not measured. */
export const figuresSchema = z.object({
  warpingError: z.number().optional(),
  warpingErrorSource: z.number().optional(),
  stabilityError: z.number().optional(),
  styleLossRatio: z.number().optional(),
  sharpnessRatio: z.number().optional(),
  defectTiles: z.int().optional(),
  sampledFrames: z.int().optional(),
});
export type Figures = z.infer<typeof figuresSchema>;

export const stageReportSchema = z.object({
  stage: z.string(),
  task: z.string(),
  frames: z.int(),
  seconds: z.number(),
  provider: z.string().optional(),
  host: z.string().optional(),
  reused: z.boolean(),
});

export const reportSchema = z.object({
  version: z.literal(1),
  job: z.string(),
  reverie: z.string(),
  preset: z.string(),
  clip: z.object({
    sha256: z.string(),
    name: z.string(),
    frames: z.int(),
    rate: z.string(),
    width: z.int(),
    height: z.int(),
  }),
  range: z.object({ first: z.int(), last: z.int() }),
  seed: z.int(),
  output: z.object({
    file: z.string(),
    frames: z.int(),
    rate: z.string(),
    width: z.int(),
    height: z.int(),
    codec: z.string(),
    sizeBytes: z.int(),
    /** True only after the file was decoded in full and its frames were counted. */
    verified: z.boolean(),
  }),
  provider: z.string(),
  providersRefused: z.array(z.object({ provider: z.string(), reason: z.string() })),
  nets: z.array(z.object({ name: z.string(), sha256: z.string(), licence: z.string() })),
  stages: z.array(stageReportSchema),
  notices: z.array(noticeSchema),
  figures: figuresSchema,
  startedAt: z.string(),
  finishedAt: z.string(),
  seconds: z.number(),
});
export type Report = z.infer<typeof reportSchema>;
