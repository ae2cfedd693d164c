/** Tells whether code is well formed TypeScript. Must never run any of it. */
import { validate } from '../javascript/validate.mjs';
import { withoutTypes } from './types.mjs';

validate(withoutTypes);
