/** The roles of a deployment and who acts under them. Types only; whoever reads the template builds it. */
import type { Policy } from './policy.ts';

export interface Role {
  readonly arn: string;
  readonly name: string;
  readonly policies: readonly Policy[];
}

/** Whose requests are made under a role. */
export interface Actor {
  readonly roleArn: string;
  /** Name of the session: a function's is its own name. */
  readonly session: string;
  /** `lambda:SourceFunctionArn` of what a function's code asks for. */
  readonly functionArn?: string | undefined;
}

export interface AccessModel {
  readonly roles: readonly Role[];
  /** By the name that its access key was issued to. */
  readonly principals: ReadonlyMap<string, Actor>;
  /** By the ARN of the resource that has them. */
  readonly resourcePolicies: ReadonlyMap<string, readonly Policy[]>;
}
