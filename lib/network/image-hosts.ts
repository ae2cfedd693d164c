/** Where an image comes from in a Region: the hosts and the bucket of ECR. Nothing else may be reached. */

/** The bucket of AWS in which ECR keeps layers. */
export const layerBucketOf = (region: string): string => `prod-${region}-starport-layer-bucket`;

export const imageHostsOf = (region: string): string[] => [
  `api.ecr.${region}.amazonaws.com`,
  `*.dkr.ecr.${region}.amazonaws.com`,
  `${layerBucketOf(region)}.s3.${region}.amazonaws.com`,
];
