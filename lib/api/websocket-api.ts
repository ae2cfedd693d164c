/**
 * The WebSocket API: one stage, three routes, all to one function, which reads the type of a message itself.
 * Whoever connects meets the authorizer; whoever posts to a connection is named in its own grants.
 */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import * as api from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import type { DeployConfig } from '../deploy-config.ts';
import { destroyedLogGroup } from '../log-group.ts';

const STAGE = 'ws';
/** A coarse brake on all clients together, so that sockets leave the account's rate to the REST API. */
const THROTTLE = { rateLimit: 2_000, burstLimit: 2_000 };

export class SocketApi extends Construct {
  /** What clients connect to. */
  readonly url: string;
  /** What functions post to: the `CONNECTIONS_URL` of those that may. */
  readonly connectionsUrl: string;
  /** Its connections, for a grant: `…/ws/POST/@connections/*`. */
  readonly postArn: string;
  /** Why the wildcard of {@link postArn} stands. */
  readonly postFinding: Readonly<Record<string, string>>;
  readonly apiId: string;
  readonly stage = STAGE;
  readonly #api: api.WebSocketApi;

  constructor(scope: Construct, id: string, config: DeployConfig) {
    super(scope, id);
    this.#api = new api.WebSocketApi(this, 'Api', {
      apiName: `${config.stackName}-socket`,
      description: 'Code Interpreter: output as it comes',
      routeSelectionExpression: '$request.body.type',
    });
    this.apiId = this.#api.apiId;
    const stage = this.#stage(config);
    this.url = stage.url;
    this.connectionsUrl = stage.callbackUrl;
    this.postArn = Stack.of(this).formatArn({
      service: 'execute-api',
      resource: this.#api.apiId,
      resourceName: `${STAGE}/POST/@connections/*`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    const { node } = this.#api;
    const logicalId = Stack.of(this).getLogicalId(node.defaultChild as api.CfnApi);
    this.postFinding = {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<${logicalId}>/${STAGE}/POST/@connections/*]`]:
        'Connections are named when they come; the grant names their API and its one action.',
    };
  }

  /** After the functions, which know this API's address. */
  addRoutes({ authorizer, socket }: { authorizer: LambdaFunction; socket: LambdaFunction }): void {
    const integration = new WebSocketLambdaIntegration('Socket', socket);
    // API Gateway asks for all identity sources, and a client has a key or a ticket: so for none.
    const keys = new WebSocketLambdaAuthorizer('Keys', authorizer, { identitySource: [] });
    const open = {
      'AwsSolutions-APIG4': 'API Gateway authorizes $connect only; the rest is of that connection.',
    };
    this.#api.addRoute('$connect', { integration, authorizer: keys });
    acknowledge(this.#api.addRoute('$disconnect', { integration }), open);
    acknowledge(this.#api.addRoute('$default', { integration }), open);
  }

  #stage(config: DeployConfig): api.WebSocketStage {
    const stage = new api.WebSocketStage(this, 'Stage', {
      webSocketApi: this.#api,
      stageName: STAGE,
      autoDeploy: true,
      throttle: THROTTLE,
      ...(config.accessLogs ? { accessLogSettings: this.#accessLog(config) } : {}),
    });
    if (!config.accessLogs) {
      acknowledge(stage, {
        'AwsSolutions-APIG1':
          'The access log needs a role that each account has once; set accessLogs where it exists.',
      });
    }
    return stage;
  }

  /** Never the query string, which may hold a ticket. */
  #accessLog({ stackName }: DeployConfig): api.IAccessLogSettings {
    const logGroup = destroyedLogGroup(this, 'AccessLog', {
      name: `/${stackName}/socket-access`,
      retention: RetentionDays.THREE_MONTHS,
    });
    return {
      destination: new api.LogGroupLogDestination(logGroup),
      format: AccessLogFormat.custom(
        JSON.stringify({
          requestId: '$context.requestId',
          at: '$context.requestTimeEpoch',
          ip: '$context.identity.sourceIp',
          tenantId: '$context.authorizer.tenantId',
          connectionId: '$context.connectionId',
          eventType: '$context.eventType',
          route: '$context.routeKey',
          status: '$context.status',
          integrationLatencyMs: '$context.integrationLatency',
          error: '$context.error.message',
        }),
      ),
    };
  }
}
