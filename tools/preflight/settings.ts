/** The deploy configuration as `cdk deploy` will read it: cdk.json, and each `-c name=value` over it. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { type DeployConfig, readDeployConfig } from '../../lib/deploy-config.ts';
import { messageOf, Problem } from '../shared/problem.ts';

const CdkJson = z.object({ context: z.record(z.string(), z.unknown()).default({}) });

/** @throws {Problem} naming every setting that is wrong or unknown */
export async function readSettings(given: Readonly<Record<string, string>>): Promise<DeployConfig> {
  const file = new URL('../../cdk.json', import.meta.url);
  const { context } = CdkJson.parse(JSON.parse(await readFile(file, 'utf8')));
  try {
    return readDeployConfig({ ...context, ...given });
  } catch (error) {
    throw new Problem(messageOf(error));
  }
}
