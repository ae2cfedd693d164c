/** Which subnets of a deployed model have a default route: the one fact of a network that this machine follows. */
import type { NetworkModel } from '../services/ecs/types.ts';
import type { Deployment } from './deployment.ts';
import { AssemblyError } from './errors.ts';

const everywhere = new Set<unknown>(['0.0.0.0/0', '::/0']);

export function networkOf(deployment: Deployment): NetworkModel {
  const openTables = new Set(
    deployment
      .resourcesOfType('AWS::EC2::Route')
      .filter(
        ({ properties }) =>
          everywhere.has(properties['DestinationCidrBlock']) ||
          everywhere.has(properties['DestinationIpv6CidrBlock']),
      )
      .map(({ properties }) => properties['RouteTableId']),
  );
  const openSubnets = new Set(
    deployment
      .resourcesOfType('AWS::EC2::SubnetRouteTableAssociation')
      .filter(({ properties }) => openTables.has(properties['RouteTableId']))
      .map(({ properties }) => properties['SubnetId']),
  );
  const subnets = new Set(deployment.resourcesOfType('AWS::EC2::Subnet').map(({ ref }) => ref));
  return {
    hasDefaultRoute(subnetId) {
      if (!subnets.has(subnetId))
        throw new AssemblyError(
          `subnet ${subnetId} is not deployed (${[...subnets].join(', ')} are)`,
        );
      return openSubnets.has(subnetId);
    },
  };
}
