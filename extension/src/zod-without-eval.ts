import { z } from 'zod';

// Compiled checks need `eval`, which the page's content policy forbids. A schema decides when it is made, so this
// module comes before every schema.
z.config({ jitless: true });
