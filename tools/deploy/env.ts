/** The environment that the CDK deploys with: this one, in a Region where one was named. */
export const inRegion = (region: string | undefined): NodeJS.ProcessEnv =>
  region === undefined
    ? process.env
    : {
        ...process.env,
        AWS_REGION: region,
        AWS_DEFAULT_REGION: region,
        CDK_DEFAULT_REGION: region,
      };
