/** What a picture must be turned into before a net sees it: `pixel * scale - mean`, pixel being 0..1. */
export type InputConvention = {
  readonly order: 'rgb' | 'bgr' | 'grey';
  readonly scale: number;
  /** Subtracted after scaling, in the net's channel order. */
  readonly mean: readonly number[];
};
