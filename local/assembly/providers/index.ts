/**
 * Every CloudFormation type that this machine takes, by name: with a provider that calls a stand-in,
 * or kept in the model only. A type that stands in none of these files stops the start.
 */
import type { Provider } from '../provider.ts';
import { apiGatewayProviders } from './api-gateway.ts';
import { ec2Providers } from './ec2.ts';
import { ecsProviders } from './ecs.ts';
import { eventProviders } from './events.ts';
import { iamProviders } from './iam.ts';
import { inertProviders } from './inert.ts';
import { lambdaProviders } from './lambda.ts';
import { sqsProviders } from './sqs.ts';
import { stepFunctionsProviders } from './step-functions.ts';
import { storageProviders } from './storage.ts';
import { webSocketApiProviders } from './websocket-api.ts';

export const providers: ReadonlyMap<string, Provider> = new Map(
  Object.entries({
    ...storageProviders,
    ...lambdaProviders,
    ...ecsProviders,
    ...apiGatewayProviders,
    ...webSocketApiProviders,
    ...eventProviders,
    ...sqsProviders,
    ...stepFunctionsProviders,
    ...iamProviders,
    ...ec2Providers,
    ...inertProviders,
  }),
);
