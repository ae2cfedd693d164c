/** The CDK app: reads the deploy configuration and makes the stacks, nothing else. */
/* oxlint-disable no-new -- a construct adds itself to its scope */
import { App } from 'aws-cdk-lib';
import { DataStack } from '../lib/data-stack.ts';
import { readDeployConfig } from '../lib/deploy-config.ts';
import { ServiceStack } from '../lib/service-stack.ts';

const app = new App();
const config = readDeployConfig(app.node.getAllContext());
const env = config.region === undefined ? {} : { env: { region: config.region } };
const data = new DataStack(app, 'Data', {
  ...env,
  config,
  stackName: `${config.stackName}-data`,
  description: 'Code Interpreter: state and output log',
});
new ServiceStack(app, 'Service', {
  ...env,
  config,
  data,
  stackName: config.stackName,
  description: 'Code Interpreter: network, functions and API',
});
// The CDK's own switch, which `npm start` turns: nothing of it is deployed, and to load the rules takes a second.
// oxlint-disable-next-line node/no-process-env -- no setting of ours
if (process.env['CDK_VALIDATION'] !== 'false') {
  const { addChecks } = await import('../lib/checks.ts');
  addChecks(app);
}
