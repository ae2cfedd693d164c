/**
 * A REST API as the stand-in serves it: methods with their integration, authorizers, gateway responses.
 * Types only; whoever reads the template builds it.
 */

/** AWS_PROXY: the whole request goes to a function, its whole answer comes back. */
export interface FunctionIntegration {
  readonly kind: 'function';
  readonly functionName: string;
  readonly transfer: 'BUFFERED' | 'STREAM';
  readonly timeoutMs: number;
}

/** MOCK: API Gateway answers by itself; used for CORS preflight. */
export interface MockIntegration {
  readonly kind: 'mock';
  readonly requestTemplate: string | undefined;
  /** Without CONVERT_TO_TEXT a body counted as binary cannot be mapped, and the answer is 500. */
  readonly convertsToText: boolean;
  readonly responses: readonly MockResponse[];
}

export interface MockResponse {
  readonly statusCode: number;
  /** A pattern for the status that the request template names; the default response has none. */
  readonly selectionPattern: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** REQUEST authorizer without cache and without identity source: asked for every request. */
export interface AuthorizerDefinition {
  readonly id: string;
  readonly functionName: string;
}

export interface MethodDefinition {
  /** `GET`, `POST` … or `ANY`. */
  readonly httpMethod: string;
  /** `/v1/sandboxes/{sandboxId}`. */
  readonly resourcePath: string;
  readonly resourceId: string;
  readonly authorizer: AuthorizerDefinition | undefined;
  readonly integration: FunctionIntegration | MockIntegration;
}

export interface GatewayResponseDefinition {
  readonly statusCode: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly templates: Readonly<Record<string, string>>;
}

export interface RestApiDefinition {
  readonly apiId: string;
  readonly accountId: string;
  readonly region: string;
  readonly stageName: string;
  readonly stageVariables: Readonly<Record<string, string>>;
  readonly binaryMediaTypes: readonly string[];
  readonly methods: readonly MethodDefinition[];
  /** By response type: `DEFAULT_4XX`, `UNAUTHORIZED` … */
  readonly gatewayResponses: ReadonlyMap<string, GatewayResponseDefinition>;
}
