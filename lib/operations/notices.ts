/**
 * Who is told of an alarm: one e-mail address, where the deployment names one. The topic has no key
 * of its own, since CloudWatch cannot publish with AWS's, and an alarm's text is no secret.
 */
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

export class Notices extends Construct {
  readonly topic: sns.Topic;

  constructor(
    scope: Construct,
    id: string,
    { email, accountId }: { email: string; accountId: string },
  ) {
    super(scope, id);
    this.topic = new sns.Topic(this, 'Topic', { enforceSSL: true });
    // The policy that demands TLS takes the place of the default one, by which alarms may publish.
    this.topic.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': accountId } },
      }),
    );
    this.topic.addSubscription(new EmailSubscription(email));
  }
}
