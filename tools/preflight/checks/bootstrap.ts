/** The CDK's own stack in the account and Region: where assets go, and the roles that deploy. */
import * as z from 'zod';
import { type Aws, Refusal } from '../aws.ts';
import { type Check, fail, ok } from '../check.ts';

const NAME = 'CDK bootstrap';
const PARAMETER = '/cdk-bootstrap/hnb659fds/version';
/** What the stacks' own rule asks for, which is the CDK's. */
const LEAST = 6;
const Answer = z.object({ Parameter: z.object({ Value: z.coerce.number() }) });

export async function checkBootstrap(aws: Aws, account: string): Promise<Check> {
  const remedy = `npx cdk bootstrap aws://${account}/${aws.region}`;
  try {
    const told = await aws.json('ssm', 'AmazonSSM.GetParameter', { Name: PARAMETER });
    const version = Answer.parse(told).Parameter.Value;
    if (version >= LEAST) return ok(NAME, `version ${version}`);
    return fail(NAME, { text: `version ${version} is older than ${LEAST}`, remedy });
  } catch (error) {
    if (!(error instanceof Refusal) || error.name !== 'ParameterNotFound') throw error;
    return fail(NAME, { text: `not done in ${account}/${aws.region}`, remedy });
  }
}
