/** What Fargate takes its time for and refuses; each part absent where it is left out. */
export interface EcsBehaviour {
  /** Tasks that may be started a second; more are throttled. Left out, there is no limit. */
  readonly runTasksPerSecond?: number;
  /** From PENDING to RUNNING, on top of what this machine takes. */
  readonly bootMs?: () => number;
}
