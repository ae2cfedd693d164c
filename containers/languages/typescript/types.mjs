/** TypeScript without its types: nothing is checked but its form. */

import { RangeError, SyntaxError } from '../javascript/globals.mjs';
import { transform } from './parser.mjs';

const FILENAME = 'cell';

/** Stripped in place where that is possible, so that lines and columns are those of the code. */
export function withoutTypes(code) {
  try {
    return transform(code, { mode: 'strip-only', filename: FILENAME });
  } catch (error) {
    if (error.code === 'UnsupportedSyntax') return transformed(code);
    throw refused(error);
  }
}

function transformed(code) {
  try {
    return transform(code, { mode: 'transform', filename: FILENAME });
  } catch (error) {
    throw refused(error);
  }
}

/** By the name that JavaScript has for it, with where it is. */
function refused(error) {
  if (error instanceof RangeError) return error;
  const { message, startLine, snippet, filename } = error;
  const told = new SyntaxError(message);
  const where = `${filename}:${startLine}\n${snippet.trimEnd()}`;
  told.stack = `${where}\n\nSyntaxError: ${message}\n    at node:vm`;
  return told;
}
