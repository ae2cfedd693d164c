/**
 * API Gateway's resources are kept in the model; rest-apis.ts reads the finished model as one API.
 * Only what `Ref` and `Fn::GetAtt` give is decided here.
 */
import { z } from 'zod';
import { shortId } from '../naming.ts';
import { type Provider, readProperties } from '../provider.ts';

const restApi: Provider = async (_logicalId, _properties, { address }) => ({
  ref: shortId(address),
  attributes: { RootResourceId: shortId(address, 'root'), RestApiId: shortId(address) },
});

const withId =
  (attribute?: string): Provider =>
  async (_logicalId, _properties, { address }) => {
    const ref = shortId(address);
    return { ref, attributes: attribute === undefined ? {} : { [attribute]: ref } };
  };

const stage: Provider = async (_logicalId, properties, context) => {
  const { StageName } = readProperties(z.object({ StageName: z.string() }), properties, context);
  return { ref: StageName, attributes: {} };
};

export const apiGatewayProviders: Readonly<Record<string, Provider>> = {
  'AWS::ApiGateway::RestApi': restApi,
  'AWS::ApiGateway::Resource': withId('ResourceId'),
  'AWS::ApiGateway::Method': withId(),
  'AWS::ApiGateway::Deployment': withId('DeploymentId'),
  'AWS::ApiGateway::Authorizer': withId('AuthorizerId'),
  'AWS::ApiGateway::GatewayResponse': withId(),
  'AWS::ApiGateway::Stage': stage,
};
