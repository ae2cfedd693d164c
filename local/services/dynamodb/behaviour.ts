/** What DynamoDB does to its callers beside answering: each part a number or a draw, and absent where it is left out. */
export interface DynamoDbBehaviour {
  /** How long a transaction keeps its items: who writes one of them meanwhile is refused. Left out, it waits. */
  readonly transactionMs?: () => number;
  /** How long a change takes to show in an index. Left out, it shows at once. */
  readonly indexLagMs?: () => number;
  /** What one partition key takes a second. Left out, there is no limit. */
  readonly partition?: { readonly writeUnits: number; readonly readUnits: number };
}
