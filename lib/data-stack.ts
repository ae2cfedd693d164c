/**
 * What outlives a function: the table of state, the table and bucket of the output log.
 * Two tables, because state is recovered and kept while the log is a firehose that expires.
 */
import { Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { DeployConfig } from './deploy-config.ts';

const text = (name: string): dynamodb.Attribute => ({
  name,
  type: dynamodb.AttributeType.STRING,
});
const number = (name: string): dynamodb.Attribute => ({
  name,
  type: dynamodb.AttributeType.NUMBER,
});

/** Indexes of the state table; grants name them one by one. */
export const STATE_INDEXES = ['gsi1', 'gsi2'] as const;

/** Segments outlive the rows that point to them: TTL may delete a row a day late. */
const SEGMENT_DAYS = 2;

export const segmentsExport = ({ stackName }: DeployConfig): string => `${stackName}-segments`;

export const transfersExport = ({ stackName }: DeployConfig): string => `${stackName}-transfers`;

export class DataStack extends Stack {
  readonly state: dynamodb.Table;
  readonly output: dynamodb.Table;
  readonly segments: s3.Bucket;
  /** As the service may be granted them; exported by a name that does not change. */
  readonly segmentBucketArn: string;
  /** Files on their way into a sandbox and out of one, for a day. */
  readonly transfers: s3.Bucket;
  readonly transferBucketArn: string;

  constructor(scope: Construct, id: string, props: StackProps & { config: DeployConfig }) {
    super(scope, id, props);
    const kept = props.config.profile !== 'local';
    this.state = this.#stateTable(kept);
    this.output = this.#outputTable();
    this.segments = this.#segmentBucket(kept);
    this.segmentBucketArn = this.exportValue(this.segments.bucketArn, {
      name: segmentsExport(props.config),
    });
    this.transfers = this.#transferBucket(kept, props.config);
    this.transferBucketArn = this.exportValue(this.transfers.bucketArn, {
      name: transfersExport(props.config),
    });
  }

  #stateTable(kept: boolean): dynamodb.Table {
    const table = new dynamodb.Table(this, 'State', {
      partitionKey: text('pk'),
      sortKey: text('sk'),
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: kept },
      deletionProtection: kept,
      removalPolicy: kept ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      timeToLiveAttribute: 'expiresAtSeconds',
    });
    for (const indexName of STATE_INDEXES) {
      table.addGlobalSecondaryIndex({
        indexName,
        partitionKey: text(`${indexName}pk`),
        sortKey: text(`${indexName}sk`),
      });
    }
    if (!kept)
      acknowledge(table, {
        'AwsSolutions-DDB3': 'The local profile runs on one machine: its data folder is the copy.',
      });
    return table;
  }

  #outputTable(): dynamodb.Table {
    const table = new dynamodb.Table(this, 'Output', {
      partitionKey: text('pk'),
      sortKey: number('sk'),
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      removalPolicy: RemovalPolicy.DESTROY,
      timeToLiveAttribute: 'expiresAtSeconds',
    });
    acknowledge(table, {
      'AwsSolutions-DDB3':
        'The log expires a day after its execution: there is nothing to recover.',
    });
    return table;
  }

  /** Callers reach it by presigned URL only, from browsers too; the checksum that they send is signed. */
  #transferBucket(kept: boolean, { allowedOrigins }: DeployConfig): s3.Bucket {
    const bucket = new s3.Bucket(this, 'Transfers', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      cors: [
        {
          allowedMethods: [s3.HttpMethods.GET, s3.HttpMethods.PUT],
          allowedOrigins,
          allowedHeaders: ['*'],
          exposedHeaders: ['ETag', 'Content-Range'],
          maxAge: 3600,
        },
      ],
      lifecycleRules: [
        {
          expiration: Duration.days(1),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy: kept ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    acknowledge(bucket, {
      'AwsSolutions-S1':
        'Files on their way live a day; CloudTrail data events show each access where a team needs that.',
    });
    return bucket;
  }

  /** Kept with the stack gone, since a bucket that is not empty cannot be deleted: it empties itself. */
  #segmentBucket(kept: boolean): s3.Bucket {
    const bucket = new s3.Bucket(this, 'Segments', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [
        {
          expiration: Duration.days(SEGMENT_DAYS),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy: kept ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    acknowledge(bucket, {
      'AwsSolutions-S1':
        'Segments live two days and only functions read them; CloudTrail data events show each access where a team needs that.',
    });
    return bucket;
  }
}
