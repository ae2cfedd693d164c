/**
 * `/execute` and `/contexts` of E2B's interpreter, from the executions and contexts of this sandbox. Code
 * whose caller has gone is interrupted. Must never end a stream cleanly without `end_of_execution`.
 */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import type { AgentContext } from '../../../contract/agent/contexts.ts';
import { UserEnv } from '../../../contract/agent/protocol.ts';
import { AppError } from '../../../contract/errors.ts';
import { Event } from '../../../contract/events.ts';
import { ExecutionId } from '../../../contract/ids.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { LANGUAGES, type Language } from '../../../contract/runtimes.ts';
import { newContextId } from '../contexts/contexts.ts';
import { SpoolReader } from '../executions/spool-reader.ts';
import type { Sandbox } from '../sandbox.ts';
import { readJson } from '../server/body.ts';
import { refuseCwd } from '../server/context-routes.ts';
import { parseInput, refuseLarge } from '../server/problems.ts';
import { written } from '../server/written.ts';
import type { E2bExchange } from './exchange.ts';
import { lineOf, Projection } from './interpreter-results.ts';
import { homePath } from './paths.ts';

const KEEPALIVE_MS = 5_000;
const NEWLINE = 0x0a;

const ALIASES: Readonly<Record<string, string>> = {
  js: 'javascript',
  ts: 'typescript',
  py: 'python',
};
const LanguageName = z.pipe(
  z.string(),
  z.pipe(
    z.transform((name: string) => {
      const plain = name.trim().toLowerCase();
      return Object.hasOwn(ALIASES, plain) ? ALIASES[plain] : plain;
    }),
    z.enum(LANGUAGES),
  ),
);

const ExecuteRequest = z.object({
  code: z.string(),
  context_id: z.optional(z.nullable(z.string())),
  language: z.optional(z.nullable(LanguageName)),
  env_vars: z.optional(z.nullable(UserEnv)),
});
const CreateContext = z.object({
  language: z.optional(z.nullable(LanguageName)),
  cwd: z.optional(z.nullable(z.string())),
});

/** Those that a sandbox has from its beginning on. */
const DEFAULTS = ['python', 'javascript'] as const satisfies readonly Language[];

export async function execute({ sandbox, request, response }: E2bExchange): Promise<void> {
  const body = parseInput(ExecuteRequest, await readJson(request));
  const { code, context_id: contextId, language, env_vars: env } = body;
  refuseLarge('CODE_TOO_LARGE', 'code', code, LIMITS.codeBytes);
  if (contextId && language)
    throw new AppError('VALIDATION_ERROR', 'Only one of context_id or language can be provided');
  await sandbox.contexts.ready;
  const { contexts, executions } = sandbox;
  const { facts } = contextId ? contexts.get(contextId) : contexts.defaultOf(language ?? 'python');
  const id = ExecutionId.parse(`ex${randomBytes(10).toString('hex')}`);
  const { spool } = executions.start({
    executionId: id,
    code,
    contextId: facts.id,
    language: facts.language,
    timeoutMs: LIMITS.timeoutMs.max,
    ...(env ? { env } : {}),
  });
  response.once('close', () => void executions.interrupt(id));
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  response.flushHeaders();
  const projection = new Projection(() => contexts.get(facts.id).describe().executionCount);
  const reader = new SpoolReader(spool, 0);
  try {
    const isWhole = await tell(reader, response, projection);
    if (isWhole) response.end();
    else response.destroy();
  } finally {
    await reader.close();
    // Its one reader has it, or has gone.
    await executions.removeSpool(id);
  }
}

/** To the very end, also where nobody listens any more. False where events are gone. */
async function tell(
  reader: SpoolReader,
  response: ServerResponse,
  projection: Projection,
): Promise<boolean> {
  let rest: Buffer[] = [];
  for (;;) {
    const next = await reader.read(KEEPALIVE_MS);
    if (next === 'gone') return false;
    if (next === 'end') return true;
    if (next === 'silence') {
      await written(response, lineOf({ type: 'keepalive' }));
      continue;
    }
    let from = 0;
    let lines = '';
    for (let at = next.indexOf(NEWLINE); at >= 0; at = next.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...rest, next.subarray(from, at)]);
      const event = Event.parse(JSON.parse(line.toString('utf8')));
      lines += projection.messages(event).map(lineOf).join('');
      rest = [];
      from = at + 1;
    }
    // What was read is good until the next read only.
    if (from < next.length) rest.push(Buffer.from(next.subarray(from)));
    await written(response, lines);
  }
}

export async function createContext({ sandbox, request }: E2bExchange): Promise<object> {
  const { language, cwd } = parseInput(CreateContext, await readJson(request));
  refuseCwd(cwd ?? undefined);
  await sandbox.contexts.ready;
  const context = sandbox.contexts.create({
    contextId: newContextId(),
    language: language ?? 'python',
    ...(cwd ? { cwd: homePath(cwd) } : {}),
  });
  return project(sandbox, context);
}

export async function listContexts({ sandbox }: E2bExchange): Promise<object[]> {
  const { contexts } = sandbox;
  await contexts.ready;
  for (const language of DEFAULTS) if (contexts.has(language)) contexts.defaultOf(language);
  return contexts.list().map((context) => project(sandbox, context));
}

export async function restartContext({ sandbox }: E2bExchange, id: string): Promise<null> {
  await sandbox.contexts.restart(id);
  return null;
}

export async function deleteContext({ sandbox }: E2bExchange, id: string): Promise<null> {
  await sandbox.contexts.delete(id);
  return null;
}

function project({ files }: Sandbox, { id, language, cwd }: AgentContext): object {
  return { id, language, cwd: cwd ?? files.workspace };
}
