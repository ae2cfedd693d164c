/** TypeScript without its types: nothing is checked but its form. */
import { stripTypeScriptTypes } from 'node:module';

/** Stripped in place where that is possible, so that lines and columns are those of the code. */
export function withoutTypes(code) {
  try {
    return stripTypeScriptTypes(code);
  } catch (error) {
    if (error.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
      return stripTypeScriptTypes(code, { mode: 'transform' });
    throw refused(error);
  }
}

/** By its own name, with where it is. */
function refused({ message, stack }) {
  const error = new SyntaxError(message);
  const where = /^[^\n]*(:\d+\n[^]*?)\n\nSyntaxError/.exec(stack)?.[1];
  if (where !== undefined) error.stack = `cell${where}\n\nSyntaxError: ${message}\n    at node:vm`;
  return error;
}
