/** What the preflight reads from its environment, beside what the SDK's own chain reads. */

/** One endpoint for all services, as the SDK takes it. */
export const endpointOverride = (): string | undefined =>
  process.env['AWS_ENDPOINT_URL'] || undefined;

/** The program that the CDK builds images with. */
export const containerProgram = (): string => process.env['CDK_DOCKER'] || 'docker';
