import { createPainterStore } from '../models/painters';
import { assetFolder } from './find-assets';
import type { Painters } from './task-services';

/** The painters that come with Reverie: statistics and a swatch each. */
export const painters: Painters = createPainterStore(assetFolder('painters'));
