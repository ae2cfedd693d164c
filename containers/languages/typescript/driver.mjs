/** A TypeScript context: the JavaScript one, with the types taken off first. */
import { stripTypeScriptTypes } from 'node:module';
import { serve } from '../javascript/context.mjs';

/** Stripped in place where that is possible, so that lines and columns are those of the code. */
function withoutTypes(code) {
  try {
    return stripTypeScriptTypes(code);
  } catch (error) {
    if (error.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
      return stripTypeScriptTypes(code, { mode: 'transform' });
    throw new SyntaxError(error.message);
  }
}

// The first code pays for the parser's start; it is paid here, before anyone waits.
withoutTypes('const ready: boolean = true');
serve('node-typescript', withoutTypes);
