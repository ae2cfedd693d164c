/** MOCK integrations: the status that the request template names picks one of the static responses. */
import type { ServerResponse } from 'node:http';
import type { MockIntegration, MockResponse } from './definition.ts';
import { GatewayRefusal } from './gateway-response.ts';
import { isBinary } from './media-types.ts';
import { type GatewayRequest, headerOf } from './request.ts';

function chooseResponse({ requestTemplate, responses }: MockIntegration): MockResponse | undefined {
  const status = /["']?statusCode["']?\s*:\s*(\d{3})/.exec(requestTemplate ?? '')?.[1];
  if (status === undefined) return undefined;
  const chosen = responses.find(
    ({ selectionPattern }) =>
      selectionPattern !== undefined &&
      selectionPattern !== '' &&
      new RegExp(`^(?:${selectionPattern})$`).test(status),
  );
  return chosen ?? responses.find(({ selectionPattern }) => !selectionPattern);
}

export function answerMock(
  integration: MockIntegration,
  options: {
    binaryMediaTypes: readonly string[];
    request: GatewayRequest;
    response: ServerResponse;
  },
): void {
  const { binaryMediaTypes, request, response } = options;
  const binary = isBinary(binaryMediaTypes, headerOf(request, 'content-type'));
  const chosen = chooseResponse(integration);
  // With `*/*` every body counts as binary, and a template cannot map one unless it is converted to text.
  if ((binary && !integration.convertsToText) || chosen === undefined)
    throw new GatewayRefusal('API_CONFIGURATION_ERROR');
  const hasBody = chosen.statusCode !== 204 && chosen.statusCode !== 304;
  response.writeHead(chosen.statusCode, {
    'Content-Type': 'application/json',
    ...(hasBody ? { 'Content-Length': Buffer.byteLength(chosen.body ?? '') } : {}),
    'x-amzn-RequestId': request.requestId,
    'x-amz-apigw-id': request.extendedRequestId,
    ...chosen.headers,
  });
  response.end(hasBody ? (chosen.body ?? '') : undefined);
}
