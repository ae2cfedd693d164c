/**
 * Where a WebSocket API is, as functions are told. Whatever variable names its host, the value is changed: for
 * functions (`https:`) its connections are at the front door, for clients (`wss:`) it is a path of the REST API's own
 * host and port, which are not known yet.
 */
import type { DeployedResource } from './deployment.ts';

/** Answers what makes a value of the template one of this machine. */
export function connectionEndpoints(
  resources: readonly DeployedResource[],
  frontDoorUrl: string,
): (value: string) => string {
  const places = resources
    .filter(({ type }) => type === 'AWS::ApiGatewayV2::Api')
    .map(({ attributes }) => String(attributes['ApiEndpoint']))
    .flatMap((host) => [
      { host: host.replace(/^wss:/, 'https:'), here: frontDoorUrl },
      { host, here: '' },
    ]);
  return (value) => {
    const place = places.find(({ host }) => value === host || value.startsWith(`${host}/`));
    return place === undefined ? value : `${place.here}${value.slice(place.host.length)}`;
  };
}
