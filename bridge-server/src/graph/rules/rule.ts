import type { Value } from '../value';

/**
 * The gradient toward each input of `y`, from the gradient `g` toward `y` (same size). An input for which `needs` says
 * no may be left undefined, as may one through which nothing flows.
 */
export type GradientRule = (g: Value, y: Value, needs: (input: number) => boolean) => readonly (Value | undefined)[];
