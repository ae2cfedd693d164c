/**
 * What every template must pass before it is written: cdk-nag's AwsSolutions here, AWS's own
 * validator by the flag in cdk.json. A finding that stands is acknowledged beside its resource.
 */
import { type App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

export function addChecks(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
