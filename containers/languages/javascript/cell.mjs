/**
 * From the code of a cell to a script that can run after others: what it declares becomes a property
 * of the global object, so that the next cell sees it and may declare it again; `import` becomes a
 * dynamic one; where it awaits, it runs in an async function. Lines stay where they are. Owns only the
 * text: never runs it.
 */
import { createRequire } from 'node:module';
import { constants, Script } from 'node:vm';
import { JSON, SyntaxError } from './globals.mjs';

const require = createRequire(import.meta.url);
// Node's own copy of its parser: the flag --expose-internals lets it be loaded.
const acorn = require('internal/deps/acorn/acorn/dist/acorn');
const walk = require('internal/deps/acorn/acorn-walk/dist/walk');

const ACORN_OPTIONS = {
  ecmaVersion: 'latest',
  allowAwaitOutsideFunction: true,
  allowHashBang: true,
  allowImportExportEverywhere: true,
};

/** What answers its value as `{value}`, so that a promise is shown and not waited for. */
const ASYNC_HEAD = '(async () => {';

/**
 * @returns {{script: Script, names: string[], isAsync: boolean, hasResult: boolean, lines: number}}
 * @throws {SyntaxError}
 */
export function compile(code, filename) {
  const lines = code.split('\n').length;
  const tree = parse(code, filename);
  if (!tree) {
    const script = scriptOf(code, filename);
    return { script, names: [], isAsync: false, hasResult: false, lines };
  }
  const isAsync = awaits(tree);
  const rewrite = new Rewrite(code, isAsync);
  for (const statement of tree.body) rewrite.statement(statement);
  const last = tree.body.findLast((statement) => !isNothing(statement));
  const hasResult =
    last?.type === 'ExpressionStatement' || last?.type === 'ExportDefaultDeclaration';
  if (hasResult && isAsync) rewrite.answer(last);
  const { functions, names } = rewrite;
  const text = rewrite.text();
  if (!isAsync) return { script: scriptOf(text, filename), names, isAsync, hasResult, lines };
  const head = `${ASYNC_HEAD}${functions.map((name) => `this.${name} = ${name};`).join('')}`;
  const script = scriptOf(`${head}${text}\n})()`, filename, head.length);
  return { script, names, isAsync, hasResult, lines };
}

/** As at the end of what TypeScript makes of a namespace. */
function isNothing({ declarations, kind, type }) {
  if (type === 'EmptyStatement') return true;
  return (
    type === 'VariableDeclaration' && kind === 'var' && declarations.every(({ init }) => !init)
  );
}

/** Nothing for what this parser does not know and V8 does. */
function parse(code, filename) {
  try {
    return acorn.parse(code, { ...ACORN_OPTIONS, sourceType: 'script' });
  } catch (problem) {
    throwProblem(code, filename, problem);
    return undefined;
  }
}

/** V8 tells best what is wrong, but for code that only becomes a script's by the rewriting. */
function throwProblem(code, filename, { loc, message }) {
  try {
    scriptOf(code, filename);
  } catch (error) {
    if (!/\bawait\b|\bimport\b|\bexport\b/.test(error.message)) throw error;
    const [line = ''] = code.split('\n').slice(loc.line - 1);
    const told = new SyntaxError(message.replace(/ \(\d+:\d+\)$/, ''));
    const where = `${filename}:${loc.line}\n${line}\n${' '.repeat(loc.column)}^`;
    // With a frame, which is left out again: without one it would be shown in brackets.
    told.stack = `${where}\n\nSyntaxError: ${told.message}\n    at node:vm`;
    throw told;
  }
}

function scriptOf(text, filename, headLength = 0) {
  return new Script(text, {
    filename,
    columnOffset: -headLength,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

/** Whether it awaits or imports outside of every function. */
function awaits(tree) {
  const state = { found: false };
  const find = () => {
    state.found = true;
  };
  walk.recursive(tree, state, {
    Function: () => undefined,
    AwaitExpression: find,
    ImportDeclaration: find,
    ForOfStatement(node, _, next) {
      if (node.await) find();
      for (const part of [node.left, node.right, node.body]) next(part, state);
    },
  });
  return state.found;
}

class Rewrite {
  #code;
  #isAsync;
  #edits = [];
  /** What becomes a property of the global object. */
  names = [];
  /** Functions of an async cell, which are its own until they are handed out. */
  functions = [];

  constructor(code, isAsync) {
    this.#code = code;
    this.#isAsync = isAsync;
  }

  statement(node) {
    switch (node.type) {
      case 'VariableDeclaration':
        if (node.kind !== 'var' || this.#isAsync) this.#declaration(node);
        break;
      case 'ClassDeclaration':
        this.names.push(node.id.name);
        this.#put(node.start, `void (${node.id.name} = `);
        this.#put(node.end, ');');
        break;
      case 'FunctionDeclaration':
        if (this.#isAsync) this.functions.push(node.id.name);
        break;
      case 'ImportDeclaration':
        this.#replace(node.start, node.end, this.#importOf(node));
        break;
      case 'ExportNamedDeclaration':
        if (node.declaration) {
          this.#replace(node.start, node.declaration.start, '');
          this.statement(node.declaration);
        } else if (!node.source) this.#replace(node.start, node.end, ';');
        break;
      case 'ExportDefaultDeclaration':
        this.#replace(node.start, node.declaration.start, '(');
        this.#put(this.#endOf(node), ')');
        break;
      default:
        if (this.#isAsync) this.#nestedVars(node);
    }
  }

  /** The value of the last statement, from within the async function. */
  answer(node) {
    this.#put(node.start, 'return {value: (', true);
    this.#put(this.#endOf(node), ')}');
  }

  text() {
    const edits = this.#edits.toSorted((a, b) => a.start - b.start || a.order - b.order);
    let text = '';
    let at = 0;
    for (const { start, end, replacement } of edits) {
      text += this.#code.slice(at, start) + replacement;
      at = end;
    }
    return text + this.#code.slice(at);
  }

  /** `let a = 1, {b} = c` as an assignment, whose value is nobody's result. */
  #declaration(node) {
    const { declarations, kind } = node;
    for (const { id } of declarations) this.names.push(...namesIn(id));
    this.#replace(node.start, declarations[0].start, 'void (');
    for (const { id, init } of declarations)
      if (!init) this.#put(id.end, kind === 'var' ? '' : ' = undefined');
    const end = declarations.at(-1).end;
    this.#put(end, this.#code.slice(end, node.end).includes(';') ? ')' : ');');
  }

  /** `var` in blocks and loops reaches out of them, and of the cell. */
  #nestedVars(statement) {
    const loop = (part) => part?.type === 'VariableDeclaration' && part.kind === 'var';
    const unwrap = (node) => {
      for (const { id } of node.declarations) this.names.push(...namesIn(id));
      this.#replace(node.start, node.declarations[0].start, '');
    };
    const inLoop = (name, rest) => (node, state, next) => {
      if (loop(node[name])) {
        unwrap(node[name]);
        for (const { init } of node[name].declarations) if (init) next(init, state);
      } else if (node[name]) next(node[name], state);
      for (const part of rest) if (node[part]) next(node[part], state);
    };
    walk.recursive(statement, null, {
      Function: () => undefined,
      VariableDeclaration: (node, state, next) => {
        if (node.kind === 'var') this.#declaration(node);
        for (const { init } of node.declarations) if (init) next(init, state);
      },
      ForStatement: inLoop('init', ['test', 'update', 'body']),
      ForInStatement: inLoop('left', ['right', 'body']),
      ForOfStatement: inLoop('left', ['right', 'body']),
    });
  }

  #importOf({ attributes = [], source, specifiers }) {
    const withs = attributes.map(
      ({ key, value }) => `${JSON.stringify(key.name ?? key.value)}: ${value.raw}`,
    );
    const options = withs.length > 0 ? `, {with: {${withs.join(', ')}}}` : '';
    const load = `await import(${source.raw}${options})`;
    this.names.push(...specifiers.map(({ local }) => local.name));
    const whole = specifiers.find(({ type }) => type === 'ImportNamespaceSpecifier');
    const named = specifiers
      .filter((specifier) => specifier !== whole)
      .map(({ imported, local }) => {
        const name = imported?.name ?? imported?.value ?? 'default';
        return `${JSON.stringify(name)}: ${local.name}`;
      });
    const value = whole ? `${whole.local.name} = ${load}` : load;
    return named.length > 0 ? `void ({${named.join(', ')}} = ${value});` : `void (${value});`;
  }

  /** Of a statement without its semicolon. */
  #endOf(node) {
    return this.#code[node.end - 1] === ';' ? node.end - 1 : node.end;
  }

  #put(at, replacement, first = false) {
    this.#edits.push({ start: at, end: at, replacement, order: first ? -1 : this.#edits.length });
  }

  #replace(start, end, replacement) {
    // The lines after it keep their numbers.
    const lines = this.#code.slice(start, end).split('\n').length - 1;
    const text = replacement + '\n'.repeat(lines);
    this.#edits.push({ start, end, replacement: text, order: this.#edits.length });
  }
}

function namesIn(pattern) {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) => namesIn(property.value ?? property.argument));
    case 'ArrayPattern':
      return pattern.elements.flatMap(namesIn);
    case 'AssignmentPattern':
      return namesIn(pattern.left);
    case 'RestElement':
      return namesIn(pattern.argument);
    default:
      return [];
  }
}
