import { describe, expect, it } from 'vitest';
import { assemblyOf, ofType, oneOf } from './assembly.ts';
import { asText, statementsOf } from './statements.ts';

const API = 'arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<WebSocketApi>';
const HOST = '<WebSocketApi>.execute-api.<AWS::Region>.<AWS::URLSuffix>';

const dev = async () => (await assemblyOf('dev')).service;
const v2 = async (type: string) => [...ofType(await dev(), `AWS::ApiGatewayV2::${type}`).values()];

describe('the WebSocket API', () => {
  it('is one API with one stage, which serves what is deployed', async () => {
    expect(await v2('Api')).toMatchObject([
      { ProtocolType: 'WEBSOCKET', RouteSelectionExpression: '$request.body.type' },
    ]);
    expect(await v2('Stage')).toMatchObject([{ StageName: 'ws', AutoDeploy: true }]);
  });

  it('has three routes, of which $connect asks for a key or a ticket', async () => {
    const routes = await v2('Route');
    const kinds = routes.map(({ RouteKey, AuthorizationType }) => [RouteKey, AuthorizationType]);
    expect(Object.fromEntries(kinds)).toEqual({
      $connect: 'CUSTOM',
      $default: 'NONE',
      $disconnect: 'NONE',
    });
    expect(kinds).toHaveLength(3);
  });

  it('answers nothing by a route: what a client hears is posted', async () => {
    expect(await v2('RouteResponse')).toEqual([]);
    for (const route of await v2('Route'))
      expect(route).not.toHaveProperty('RouteResponseSelectionExpression');
  });

  it('sends all of them to the one function', async () => {
    const [integration, ...more] = await v2('Integration');
    expect(more).toEqual([]);
    expect(integration).toMatchObject({ IntegrationType: 'AWS_PROXY' });
    expect(asText(integration!['IntegrationUri'])).toContain('<SocketFunction.Arn>/invocations');
  });

  it('asks the authorizer without any identity source: all of them would have to be there', async () => {
    const [authorizer, ...more] = await v2('Authorizer');
    expect(more).toEqual([]);
    expect(authorizer).toMatchObject({ AuthorizerType: 'REQUEST', IdentitySource: [] });
    expect(asText(authorizer!['AuthorizerUri'])).toContain('<AuthorizerFunction.Arn>/invocations');
  });

  it('may invoke each of them from its own place', async () => {
    const permissions = [...ofType(await dev(), 'AWS::Lambda::Permission').values()]
      .map(({ FunctionName, SourceArn = '' }) => `${asText(SourceArn)} ${asText(FunctionName)}`)
      .filter((permission) => permission.startsWith(API));
    expect(permissions.sort()).toEqual([
      `${API}/*$connect <SocketFunction.Arn>`,
      `${API}/*$default <SocketFunction.Arn>`,
      `${API}/*$disconnect <SocketFunction.Arn>`,
      `${API}/authorizers/<WebSocketApiKeys> <AuthorizerFunction.Arn>`,
    ]);
  });

  it('brakes all clients together below what the account has', async () => {
    const [stage] = await v2('Stage');
    const { ThrottlingRateLimit, ThrottlingBurstLimit } = stage!['DefaultRouteSettings'];
    for (const limit of [ThrottlingRateLimit, ThrottlingBurstLimit]) {
      expect(limit).toBeGreaterThan(0);
      expect(limit).toBeLessThan(5_000);
    }
  });

  it('logs each call in prod only, and never a query string, which may hold a ticket', async () => {
    const [stage] = await v2('Stage');
    expect(stage).not.toHaveProperty('AccessLogSettings');
    const { service } = await assemblyOf('prod');
    const { AccessLogSettings } = oneOf(service, 'AWS::ApiGatewayV2::Stage', 'WebSocket');
    const fields = Object.values(JSON.parse(AccessLogSettings.Format) as Record<string, string>);
    expect(fields).toContain('$context.connectionId');
    for (const field of fields) expect(field).toMatch(/^\$context\.[A-Za-z.]+$/);
    expect(fields.join()).not.toMatch(/path|query|header/i);
  });

  it('says where it answers', async () => {
    const { Outputs } = await dev();
    expect(asText(Outputs!['WebsocketUrl']!.Value)).toBe(`wss://${HOST}/ws`);
  });
});

describe('its connections', () => {
  it('are posted to by those that push output or answer, and by nobody else', async () => {
    const service = await dev();
    const may = (id: string) =>
      statementsOf(service, `${id}Role`).some(({ actions }) =>
        actions.includes('execute-api:ManageConnections'),
      );
    const roles = [...ofType(service, 'AWS::IAM::Role').keys()]
      .map((id) => id.replace(/Role[0-9A-F]{8}$/, ''))
      .filter(may);
    expect(roles.sort()).toEqual(['Executions', 'Relay', 'Socket']);
  });

  it('may be posted to, and neither looked at nor ended', async () => {
    const granted = statementsOf(await dev())
      .filter(({ actions }) => actions.some((action) => action.startsWith('execute-api:')))
      .flatMap(({ actions, resources }) =>
        actions.flatMap((action) => resources.map((resource) => `${action} ${resource}`)),
      );
    expect([...new Set(granted)]).toEqual([
      `execute-api:ManageConnections ${API}/ws/POST/@connections/*`,
    ]);
  });

  it('are where the environment says, on AWS a host of their own', async () => {
    const service = await dev();
    for (const id of ['Executions', 'Relay', 'Socket']) {
      const { Variables } = oneOf(service, 'AWS::Lambda::Function', `${id}Function`)['Environment'];
      expect(asText(Variables['CONNECTIONS_URL'])).toBe(`https://${HOST}/ws`);
    }
  });
});
