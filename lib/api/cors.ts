/**
 * CORS: what a browser may send and see, for preflights and for API Gateway's own answers alike.
 * The answers of functions carry their own headers.
 */
import * as api from 'aws-cdk-lib/aws-apigateway';
import { EXPOSED_HEADERS, REQUEST_HEADERS } from '../../contract/rest/headers.ts';
import { acknowledge } from '../acknowledge.ts';

const ALLOWED = [
  'Accept',
  'Content-Type',
  ...Object.keys(REQUEST_HEADERS),
  'X-API-Key',
  'X-Request-Id',
].join(', ');
const MAX_AGE_SECONDS = 3600;

export const corsHeaders = (origin: string): Record<string, string> => ({
  'Access-Control-Allow-Origin': `'${origin}'`,
  'Access-Control-Expose-Headers': `'${EXPOSED_HEADERS}'`,
});

/**
 * Answers OPTIONS by API Gateway itself. With a binary media type of every kind the request of a
 * mock must be turned to text first, else its template cannot be read and the answer is 500.
 */
export function addPreflight(resource: api.IResource, methods: string[], origin: string): void {
  const headers: Record<string, string> = {
    'Access-Control-Allow-Origin': `'${origin}'`,
    'Access-Control-Allow-Methods': `'${[...methods, 'OPTIONS'].join(', ')}'`,
    'Access-Control-Allow-Headers': `'${ALLOWED}'`,
    'Access-Control-Max-Age': `'${MAX_AGE_SECONDS}'`,
  };
  const prefixed = <T>(value: (name: string) => T): Record<string, T> =>
    Object.fromEntries(
      Object.keys(headers).map((name) => [`method.response.header.${name}`, value(name)]),
    );
  const method = resource.addMethod(
    'OPTIONS',
    new api.MockIntegration({
      contentHandling: api.ContentHandling.CONVERT_TO_TEXT,
      passthroughBehavior: api.PassthroughBehavior.NEVER,
      requestTemplates: { 'application/json': '{"statusCode":204}' },
      integrationResponses: [
        { statusCode: '204', responseParameters: prefixed((name) => headers[name] ?? '') },
      ],
    }),
    {
      authorizationType: api.AuthorizationType.NONE,
      methodResponses: [{ statusCode: '204', responseParameters: prefixed(() => true) }],
    },
  );
  acknowledge(method, {
    'AwsSolutions-APIG4': 'A browser sends no key with a preflight.',
    'AwsSolutions-COG4': 'A browser sends no key with a preflight.',
  });
}
