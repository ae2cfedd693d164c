/**
 * WebSocket APIs are kept in the model; websocket-apis.ts reads the finished model as one API.
 * Only what `Ref` and `Fn::GetAtt` give is decided here.
 */
import { z } from 'zod';
import { shortId } from '../naming.ts';
import { type Provider, readProperties } from '../provider.ts';

const api: Provider = async (_logicalId, _properties, { address, region }) => {
  const ref = shortId(address);
  return {
    ref,
    attributes: { ApiId: ref, ApiEndpoint: `wss://${ref}.execute-api.${region}.amazonaws.com` },
  };
};

const withId =
  (attribute: string): Provider =>
  async (_logicalId, _properties, { address }) => {
    const ref = shortId(address);
    return { ref, attributes: { [attribute]: ref } };
  };

const stage: Provider = async (_logicalId, properties, context) => {
  const { StageName } = readProperties(z.object({ StageName: z.string() }), properties, context);
  return { ref: StageName, attributes: {} };
};

export const webSocketApiProviders: Readonly<Record<string, Provider>> = {
  'AWS::ApiGatewayV2::Api': api,
  'AWS::ApiGatewayV2::Authorizer': withId('AuthorizerId'),
  'AWS::ApiGatewayV2::Deployment': withId('DeploymentId'),
  'AWS::ApiGatewayV2::Integration': withId('IntegrationId'),
  'AWS::ApiGatewayV2::Route': withId('RouteId'),
  'AWS::ApiGatewayV2::RouteResponse': withId('RouteResponseId'),
  'AWS::ApiGatewayV2::Stage': stage,
};
