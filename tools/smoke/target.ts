/**
 * Which deployment is tried, and with which key. A key comes from the environment or from the file
 * of `npm start`, never from the command line, where every user of the machine can read it.
 */
import { localDeployment } from '../shared/local-deployment.ts';
import { Problem } from '../shared/problem.ts';
import { environment } from './env.ts';

export interface Target {
  /** Ends with `/api/v1`, as all paths begin there. */
  readonly baseUrl: string;
  readonly apiKey: string;
}

export interface TargetFlags {
  readonly baseUrl?: string;
  readonly endpoints: string;
}

/** @throws {Problem} that says what is missing */
export async function findTarget(flags: TargetFlags): Promise<Target> {
  const { apiKey, baseUrl: told } = environment();
  const baseUrl = flags.baseUrl ?? told;
  if (baseUrl === undefined) {
    const local = await localDeployment(flags.endpoints);
    return { baseUrl: local.baseUrl, apiKey: local.apiKey };
  }
  if (!URL.canParse(baseUrl) || !/^https?:$/.test(new URL(baseUrl).protocol))
    throw new Problem(
      `--base-url must be such as https://….amazonaws.com/api/v1, got "${baseUrl}".`,
    );
  if (apiKey === undefined)
    throw new Problem(
      'No API key: set CODE_INTERPRETER_API_KEY. `npm run keys -- create --new-tenant smoke` makes one.',
    );
  return { baseUrl: baseUrl.replace(/\/+$/, ''), apiKey };
}
