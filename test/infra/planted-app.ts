/** An app with two mistakes, one for each of the checks that every synthesis makes. */
import { App, Stack } from 'aws-cdk-lib';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { addChecks } from '../../lib/checks.ts';

const app = new App();
const bucket = new CfnBucket(new Stack(app, 'Planted'), 'BucketWithoutAccessLog');
bucket.addPropertyOverride('NoSuchProperty', true);
addChecks(app);
