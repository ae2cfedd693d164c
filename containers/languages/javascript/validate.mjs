/** Tells whether code is well formed. Must never run any of it. */
import { readFileSync } from 'node:fs';
import { compile } from './cell.mjs';
import { writeAll } from './channels.mjs';

/** As the manifest has it. */
const REQUESTS = 4;
const ANSWERS = 5;
/** Such as `cell:2`, lines up to that one, and `^` beneath it, which is missing at the end of the code. */
const WHERE = /^[^\n]*:(\d+)(?:\n[^]*?\n( *)\^)?/;

export function validate(toJavaScript) {
  writeAll(ANSWERS, 'ready\n');
  const code = readFileSync(REQUESTS, 'utf8');
  writeAll(ANSWERS, JSON.stringify({ problems: problemsOf(code, toJavaScript) }));
}

function problemsOf(code, toJavaScript) {
  try {
    compile(toJavaScript(code), 'cell');
    return [];
  } catch (error) {
    const [, line = '1', indent = ''] = WHERE.exec(headOf(error)) ?? [];
    const message = `${error.name}: ${error.message}`;
    return [{ line: Number(line), column: indent.length + 1, message }];
  }
}

function headOf({ stack }) {
  return String(stack).split(/\n\n(?=SyntaxError)/, 1)[0];
}
