/** Of JavaScript. */
import { validate } from './validate.mjs';

validate((code) => code);
