/** `sandboxes`: the buffered operations on sandboxes and executions, and what the service says of itself. */
import { openApiDocument } from '../../contract/openapi.ts';
import { RUNTIMES } from '../../contract/runtimes.ts';
import {
  completeCode,
  createContext,
  deleteContext,
  listContexts,
  restartContext,
  validateCode,
} from '../../core/execution/contexts.ts';
import {
  killProcess,
  listProcesses,
  resizeProcess,
  signalProcess,
  startProcess,
  writeProcessStdin,
} from '../../core/execution/processes.ts';
import { interruptExecution, listExecutions } from '../../core/execution/read-executions.ts';
import { writeStdin } from '../../core/execution/write-stdin.ts';
import { watchFiles } from '../../core/files/watch-files.ts';
import { createSandbox } from '../../core/sandbox/create-sandbox.ts';
import { readMetrics } from '../../core/sandbox/read-metrics.ts';
import { getSandbox, listSandboxes, terminateSandbox } from '../../core/sandbox/read-sandboxes.ts';
import { updateSandbox } from '../../core/sandbox/update-sandbox.ts';
import { parseEnv } from '../shared/env.ts';
import { idempotencyKeyOf } from '../shared/idempotency-key.ts';
import { restFunction } from '../shared/rest-function.ts';
import { SandboxesEnv } from './env.ts';
import { metadataFilter } from './metadata-filter.ts';
import { readiness } from './readiness.ts';
import { wire } from './wire.ts';

const env = parseEnv(SandboxesEnv);
const deps = wire(env);

export const handler = restFunction(
  { allowedOrigin: env.ALLOWED_ORIGIN },
  {
    health: async () => ({ status: 200, data: { status: 'ok' } }),
    ready: readiness(deps),
    openapi: async ({ domainName, stage }) => ({
      status: 200,
      data: openApiDocument(serverUrl(domainName, stage)),
      bare: true,
    }),
    runtimes: async () => ({
      status: 200,
      data: {
        items: Object.entries(RUNTIMES).map(([name, { versions, languages, defaultLanguage }]) => ({
          name,
          versions,
          languages,
          defaultLanguage,
        })),
      },
    }),
    createSandbox: async (request) => {
      await deps.allowances.take(request.caller);
      const asked = idempotencyKeyOf('createSandbox', request);
      const { sandbox, ready } = await createSandbox(
        deps,
        { body: request.body, asked },
        request.caller,
      );
      return { status: ready ? 201 : 202, data: sandbox };
    },
    listSandboxes: async ({ query, caller }) => ({
      status: 200,
      data: await listSandboxes(deps, metadataFilter(query), caller),
    }),
    getSandbox: async ({ params, caller }) => ({
      status: 200,
      data: await getSandbox(deps, params.sandboxId, caller),
    }),
    updateSandbox: async ({ params, body, caller }) => ({
      status: 200,
      data: await updateSandbox(deps, { id: params.sandboxId, body }, caller),
    }),
    terminateSandbox: async ({ params, caller }) => ({
      status: 202,
      data: await terminateSandbox(deps, params.sandboxId, caller),
    }),
    listExecutions: async ({ params, query, caller }) => ({
      status: 200,
      data: await listExecutions(deps, params.sandboxId, query, caller),
    }),
    interrupt: async ({ params, caller }) => ({
      status: 202,
      data: await interruptExecution(deps, params.executionId, caller),
    }),
    writeStdin: async ({ params, body, caller }) => ({
      status: 202,
      data: await writeStdin(deps, { id: params.executionId, part: body }, caller),
    }),
    createContext: async (request) => {
      const { params, body, caller } = request;
      const asked = idempotencyKeyOf('createContext', request);
      const data = await createContext(deps, { ...params, body, asked }, caller);
      return { status: 201, data };
    },
    listContexts: async ({ params, caller }) => ({
      status: 200,
      data: await listContexts(deps, params.sandboxId, caller),
    }),
    restartContext: async ({ params, caller }) => ({
      status: 200,
      data: await restartContext(deps, params, caller),
    }),
    watchFiles: async (request) => {
      const { params, body, caller } = request;
      await deps.allowances.take(caller);
      const asked = idempotencyKeyOf('watchFiles', request);
      return { status: 201, data: await watchFiles(deps, { ...params, body, asked }, caller) };
    },
    getMetrics: async ({ params, query, caller }) => ({
      status: 200,
      data: await readMetrics(deps, { ...params, ...query }, caller),
    }),
    startProcess: async (request) => {
      const { params, body, caller } = request;
      await deps.allowances.take(caller);
      const asked = idempotencyKeyOf('startProcess', request);
      return { status: 201, data: await startProcess(deps, { ...params, body, asked }, caller) };
    },
    listProcesses: async ({ params, caller }) => ({
      status: 200,
      data: await listProcesses(deps, params.sandboxId, caller),
    }),
    killProcess: async ({ params, caller }) => {
      await killProcess(deps, params, caller);
      return { status: 204, data: undefined };
    },
    writeProcessStdin: async ({ params, body, caller }) => ({
      status: 202,
      data: await writeProcessStdin(deps, { ...params, part: body }, caller),
    }),
    resizeProcess: async ({ params, body, caller }) => {
      await resizeProcess(deps, { ...params, size: body }, caller);
      return { status: 204, data: undefined };
    },
    signalProcess: async ({ params, body, caller }) => {
      await signalProcess(deps, { ...params, body }, caller);
      return { status: 204, data: undefined };
    },
    completeCode: async ({ params, body, caller }) => ({
      status: 200,
      data: await completeCode(deps, { ...params, body }, caller),
    }),
    validateCode: async ({ params, body, caller }) => ({
      status: 200,
      data: await validateCode(deps, { ...params, body }, caller),
    }),
    deleteContext: async ({ params, caller }) => {
      await deleteContext(deps, params, caller);
      return { status: 204, data: undefined };
    },
  },
);

/** Where this deployment answers, without the base path `/api/v1`, which the stage begins. */
function serverUrl(domainName: string, stage: string): string {
  const local = /^(127\.|localhost)/.test(domainName);
  const prefix = stage === 'api' ? '' : `/${stage}`;
  return `${local ? 'http' : 'https'}://${domainName}${prefix}`;
}
