/**
 * Direct invokes of a deployment's functions, by whoever owns its account: on AWS with credentials
 * and IAM, of `npm start` by its control port. The same events, the same answers.
 */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { awsProblem } from './aws-problems.ts';
import { localDeployment } from './local-deployment.ts';
import type { DeploymentFlags } from './options.ts';
import { messageOf, Problem } from './problem.ts';

export interface Functions {
  /** For a person: which deployment it is. */
  readonly where: string;
  /** Answers what the function answers. */
  invoke(name: string, event: unknown): Promise<unknown>;
}

/** What a stack of another name would call its functions by. */
const LOCAL_STACK = 'code-interpreter';
/** Longer than any function that is asked this way runs. */
const TIMEOUT_MS = 90_000;

export async function functionsOf(flags: DeploymentFlags): Promise<Functions> {
  return flags.local ? localFunctions(flags.endpoints) : awsFunctions(flags);
}

async function awsFunctions({ stackName, region, profile }: DeploymentFlags): Promise<Functions> {
  const client = new LambdaClient({
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    requestHandler: { connectionTimeout: 5_000, requestTimeout: TIMEOUT_MS },
  });
  const asked = { service: 'lambda', region, profile };
  const where = await client.config.region().catch((error: unknown) => {
    throw awsProblem(error, asked) ?? error;
  });
  return {
    where: `${stackName} in ${where}`,
    async invoke(name, event) {
      const FunctionName = `${stackName}-${name}`;
      const Payload = new TextEncoder().encode(JSON.stringify(event));
      try {
        const answer = await client.send(new InvokeCommand({ FunctionName, Payload }));
        const told: unknown = JSON.parse(new TextDecoder().decode(answer.Payload) || 'null');
        if (answer.FunctionError === undefined) return told;
        throw new Problem(failed(FunctionName, told));
      } catch (error) {
        if (error instanceof Problem) throw error;
        if (error instanceof Error && error.name === 'ResourceNotFoundException')
          throw new Problem(
            `There is no function ${FunctionName} in ${where}. Is the deployment there, under that name? See --region, --profile and --stack-name; for the one of \`npm start\` use --local.`,
          );
        throw awsProblem(error, { ...asked, region: where }) ?? error;
      }
    },
  };
}

const Outcome = z.union([
  z.object({ error: z.object({}).loose() }),
  z.object({ payload: z.unknown() }),
]);

async function localFunctions(file: string): Promise<Functions> {
  const { baseUrl, controlUrl, controlToken } = await localDeployment(file);
  return {
    where: baseUrl,
    async invoke(name, event) {
      const FunctionName = `${LOCAL_STACK}-${name}`;
      const response = await fetch(`${controlUrl}/functions/${FunctionName}/invoke`, {
        method: 'POST',
        headers: { authorization: `Bearer ${controlToken}` },
        body: JSON.stringify(event),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((error: unknown) => {
        throw new Problem(
          `The deployment of ${file} does not answer (${messageOf(error)}). Does \`npm start\` still run?`,
        );
      });
      const told: unknown = await response.json();
      const outcome = Outcome.safeParse(told);
      if (!response.ok || !outcome.success || 'error' in outcome.data)
        throw new Problem(failed(FunctionName, told));
      return outcome.data.payload;
    },
  };
}

const failed = (name: string, told: unknown): string =>
  `${name} failed: ${JSON.stringify(told).slice(0, 1_000)}. Its log says more.`;
