import { describe, expect, it } from 'vitest';
import { assemblyOf, ofType, oneOf, type Resource } from './assembly.ts';

const TABLE = 'AWS::DynamoDB::Table';

describe.each(['dev', 'prod'] as const)('the data of %s', (name) => {
  it('keeps the state: recovered to a point in time, not deleted by mistake, not with the stack', async () => {
    const { data } = await assemblyOf(name);
    expect(oneOf(data, TABLE, 'State')).toMatchObject({
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true,
      BillingMode: 'PAY_PER_REQUEST',
    });
    const state = Object.entries(data.Resources).find(([id]) => id.startsWith('State'));
    expect(state?.[1].DeletionPolicy).toBe('Retain');
  });
});

describe('the data', () => {
  it('of the local profile goes with its folder', async () => {
    const { data } = await assemblyOf('local');
    expect(oneOf(data, TABLE, 'State')).toMatchObject({
      DeletionProtectionEnabled: false,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
    });
  });

  it('is keyed as the stores expect: state by text, the log by number', async () => {
    const { data } = await assemblyOf('dev');
    const keys = (properties: Resource['Properties']) =>
      Object.fromEntries(
        properties['AttributeDefinitions'].map(
          (attribute: { AttributeName: string; AttributeType: string }) => [
            attribute.AttributeName,
            attribute.AttributeType,
          ],
        ),
      );
    expect(keys(oneOf(data, TABLE, 'State'))).toEqual({
      pk: 'S',
      sk: 'S',
      gsi1pk: 'S',
      gsi1sk: 'S',
      gsi2pk: 'S',
      gsi2sk: 'S',
    });
    expect(keys(oneOf(data, TABLE, 'Output'))).toEqual({ pk: 'S', sk: 'N' });
  });

  it('lets the log expire and go with the stack', async () => {
    const { data } = await assemblyOf('prod');
    const output = Object.entries(data.Resources).find(([id]) => id.startsWith('Output'))![1];
    expect(output.DeletionPolicy).toBe('Delete');
    expect(output.Properties['TimeToLiveSpecification']).toEqual({
      AttributeName: 'expiresAtSeconds',
      Enabled: true,
    });
  });

  it('keeps files on their way a day, private, over TLS, and for the allowed origin’s scripts', async () => {
    const { data } = await assemblyOf('prod');
    const bucket = oneOf(data, 'AWS::S3::Bucket', 'Transfers');
    expect(bucket['LifecycleConfiguration']['Rules'][0]).toMatchObject({ ExpirationInDays: 1 });
    expect(Object.values(bucket['PublicAccessBlockConfiguration'])).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(bucket['CorsConfiguration']['CorsRules']).toEqual([
      expect.objectContaining({ AllowedMethods: ['GET', 'PUT'], AllowedOrigins: ['*'] }),
    ]);
    const policy = JSON.stringify(oneOf(data, 'AWS::S3::BucketPolicy', 'Transfers'));
    expect(policy).toContain('"aws:SecureTransport":"false"');
  });

  it('keeps segments two days, private, encrypted and over TLS only', async () => {
    const { data } = await assemblyOf('prod');
    const bucket = oneOf(data, 'AWS::S3::Bucket', 'Segments');
    expect(bucket['LifecycleConfiguration']['Rules'][0]).toMatchObject({ ExpirationInDays: 2 });
    expect(Object.values(bucket['PublicAccessBlockConfiguration'])).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(JSON.stringify(bucket['BucketEncryption'])).toContain('AES256');
    const [policy] = ofType(data, 'AWS::S3::BucketPolicy').values();
    expect(policy?.['PolicyDocument']['Statement'][0]).toMatchObject({
      Effect: 'Deny',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
  });
});
