/** A JavaScript context. */
import { serve } from './context.mjs';

serve('node', (code) => code);
