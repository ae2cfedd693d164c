/**
 * The REST API: one method for each operation of the contract, and no other. Regional, because the
 * edge ends a stream after 30 s of silence; bytes pass untouched; every caller meets the authorizer.
 */
import { Duration } from 'aws-cdk-lib';
import * as api from 'aws-cdk-lib/aws-apigateway';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { OPERATION_IDS, type OperationId, operationOf } from '../../contract/operations.ts';
import { acknowledge } from '../acknowledge.ts';
import type { DeployConfig } from '../deploy-config.ts';
import { destroyedLogGroup } from '../log-group.ts';
import { addPreflight } from './cors.ts';
import { addGatewayResponses } from './gateway-responses.ts';
import { FUNCTION_OF, type RestFunction, TRANSFER_OF } from './rest-functions.ts';

export const STAGE = 'api';
const VERSION = '/v1';
/** A coarse brake on all callers together, below the account's 10,000 a second; a key has its own. */
const THROTTLE = { throttlingRateLimit: 2_000, throttlingBurstLimit: 2_000 };

export interface ServiceApiProps {
  readonly config: DeployConfig;
  readonly authorizer: LambdaFunction;
  readonly functions: Readonly<Record<RestFunction, LambdaFunction>>;
}

export class ServiceApi extends Construct {
  readonly restApi: api.RestApi;

  constructor(scope: Construct, id: string, props: ServiceApiProps) {
    super(scope, id);
    const { config } = props;
    const [origin = '*'] = config.allowedOrigins;
    this.restApi = this.#restApi(config);
    this.#addMethods(props, origin);
    addGatewayResponses(this.restApi, origin);
    acknowledge(this.restApi, {
      'AwsSolutions-APIG2':
        'Functions parse every request with the schemas of the contract, which say more than a model here can.',
    });
    acknowledge(this.restApi.deploymentStage, {
      'AwsSolutions-APIG3': 'A web ACL has a monthly price and is for the team to add.',
      'AwsSolutions-APIG6':
        'Execution logs keep headers and bodies, so keys and code; functions log each request by its id.',
      ...(config.accessLogs
        ? {}
        : {
            'AwsSolutions-APIG1':
              'The access log needs a role that each account has once; set accessLogs where it exists.',
          }),
    });
  }

  #restApi(config: DeployConfig): api.RestApi {
    const restApi = new api.RestApi(this, 'Api', {
      restApiName: config.stackName,
      description: 'Code Interpreter',
      endpointTypes: [api.EndpointType.REGIONAL],
      binaryMediaTypes: ['*/*'],
      // One role for a whole account and Region: another stack may hold it already.
      cloudWatchRole: false,
      deployOptions: {
        stageName: STAGE,
        ...THROTTLE,
        tracingEnabled: config.profile === 'prod',
        ...(config.accessLogs ? this.#accessLog(config) : {}),
      },
    });
    // The stack has an output of its own that says the same.
    restApi.node.tryRemoveChild('Endpoint');
    return restApi;
  }

  /** Paths as the contract has them, never as asked: a query string may hold a ticket. */
  #accessLog({ stackName }: DeployConfig): api.StageOptions {
    const logGroup = destroyedLogGroup(this, 'AccessLog', {
      name: `/${stackName}/access`,
      retention: RetentionDays.THREE_MONTHS,
    });
    return {
      accessLogDestination: new api.LogGroupLogDestination(logGroup),
      accessLogFormat: api.AccessLogFormat.custom(
        JSON.stringify({
          requestId: '$context.requestId',
          at: '$context.requestTimeEpoch',
          ip: '$context.identity.sourceIp',
          tenantId: '$context.authorizer.tenantId',
          method: '$context.httpMethod',
          route: '$context.resourcePath',
          status: '$context.status',
          responseBytes: '$context.responseLength',
          latencyMs: '$context.responseLatency',
          integrationLatencyMs: '$context.integrationLatency',
          errorType: '$context.error.responseType',
        }),
      ),
    };
  }

  #addMethods({ authorizer, functions }: ServiceApiProps, origin: string): void {
    // A cached Allow would outlive its key, and a missing identity source would be a 401 of its own.
    const keys = new api.RequestAuthorizer(this, 'Keys', {
      handler: authorizer,
      identitySources: [],
      resultsCacheTtl: Duration.seconds(0),
    });
    const integrations = {
      account: integrationOf(functions.account, TRANSFER_OF.account),
      files: integrationOf(functions.files, TRANSFER_OF.files),
      sandboxes: integrationOf(functions.sandboxes, TRANSFER_OF.sandboxes),
      executions: integrationOf(functions.executions, TRANSFER_OF.executions),
    };
    const methods = new Map<api.IResource, string[]>();
    for (const id of OPERATION_IDS) {
      const { method, path } = operationOf(id);
      const resource = this.restApi.root.resourceForPath(`${VERSION}${path}`);
      this.#addMethod(id, resource, { integration: integrations[FUNCTION_OF[id]], keys });
      methods.set(resource, [...(methods.get(resource) ?? []), method]);
    }
    for (const [resource, names] of methods) addPreflight(resource, names, origin);
  }

  #addMethod(
    id: OperationId,
    resource: api.IResource,
    { integration, keys }: { integration: api.Integration; keys: api.IAuthorizer },
  ): void {
    const operation = operationOf(id);
    const isOpen = operation.role === 'anyone';
    const method = resource.addMethod(operation.method, integration, {
      operationName: id,
      ...(isOpen
        ? { authorizationType: api.AuthorizationType.NONE }
        : { authorizer: keys, authorizationType: api.AuthorizationType.CUSTOM }),
    });
    acknowledge(method, {
      'AwsSolutions-COG4': 'Callers have API keys, which our own authorizer looks up.',
      ...(isOpen
        ? {
            'AwsSolutions-APIG4':
              'The contract opens this operation to anyone; it says nothing private.',
          }
        : {}),
    });
  }
}

/** A stream may last as long as a function; a buffered answer 29 s, as API Gateway lets it. */
function integrationOf(
  handler: LambdaFunction,
  transfer: 'BUFFERED' | 'STREAM',
): api.LambdaIntegration {
  const streams = transfer === 'STREAM';
  return new api.LambdaIntegration(handler, {
    // One permission for each function, not three for each method: its policy has 20 KB.
    scopePermissionToMethod: false,
    timeout: streams ? Duration.minutes(15) : Duration.seconds(29),
    responseTransferMode: streams
      ? api.ResponseTransferMode.STREAM
      : api.ResponseTransferMode.BUFFERED,
  });
}
