/**
 * Where functions find the connections of a WebSocket API: on AWS at a host of the API's own, here at the front door.
 * Whatever variable names that host, its value is changed so; what clients use (`wss:`) is left alone.
 */
import type { DeployedResource } from './deployment.ts';

/** Answers what makes a value of the template one of this machine. */
export function connectionEndpoints(
  resources: readonly DeployedResource[],
  frontDoorUrl: string,
): (value: string) => string {
  const hosts = resources
    .filter(({ type }) => type === 'AWS::ApiGatewayV2::Api')
    .map(({ attributes }) => String(attributes['ApiEndpoint']).replace(/^wss:/, 'https:'));
  return (value) => {
    const host = hosts.find((host) => value === host || value.startsWith(`${host}/`));
    return host === undefined ? value : `${frontDoorUrl}${value.slice(host.length)}`;
  };
}
