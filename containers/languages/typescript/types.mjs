/** TypeScript without its types: nothing is checked but its form. */
import { RangeError, SyntaxError } from '../javascript/globals.mjs';
import { transform } from './parser.mjs';

export function withoutTypes(code) {
  try {
    return stripped(code);
  } catch (error) {
    throw refused(error);
  }
}

/** In place where that is possible, so that lines and columns are those of the code. */
function stripped(code) {
  try {
    return transform(code, 'strip-only');
  } catch (error) {
    if (error.code !== 'UnsupportedSyntax') throw error;
    return transform(code, 'transform');
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
