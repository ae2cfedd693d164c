/**
 * A WebSocket API as the stand-in serves it: its routes with their functions, its authorizer, how a route is chosen.
 * Types only; whoever reads the template builds it.
 */

/** What must be there, and not empty, before the authorizer is asked. */
export interface IdentitySource {
  readonly place: 'header' | 'querystring';
  readonly name: string;
}

export interface WebSocketAuthorizer {
  readonly functionName: string;
  readonly identitySources: readonly IdentitySource[];
}

export interface WebSocketRoute {
  /** `$connect`, `$disconnect`, `$default`, or what the selection expression gives. */
  readonly routeKey: string;
  /** Only `$connect` can have one. */
  readonly authorizer: WebSocketAuthorizer | undefined;
  readonly functionName: string;
  readonly timeoutMs: number;
  /** Whether the body that the function returns goes to the client: the route has a route response. */
  readonly responds: boolean;
}

export interface WebSocketApiDefinition {
  readonly apiId: string;
  readonly accountId: string;
  readonly region: string;
  readonly stageName: string;
  readonly stageVariables: Readonly<Record<string, string>>;
  /** Names below `$request.body`: `['type']` for `$request.body.type`. */
  readonly routeSelection: readonly string[];
  readonly routes: ReadonlyMap<string, WebSocketRoute>;
}
