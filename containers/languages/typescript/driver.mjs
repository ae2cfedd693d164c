/** A TypeScript context: the JavaScript one, with the types taken off first. */
import { serve } from '../javascript/context.mjs';
import { withoutTypes } from './types.mjs';

// The first code pays for the parser's start; it is paid here, before anyone waits.
withoutTypes('const ready: boolean = true');
serve('node-typescript', withoutTypes);
