/** What EventBridge makes of an event on its way to a target; absent where it is left out. */
export interface EventBridgeBehaviour {
  /** How late each delivery comes, in milliseconds: one for each time that the event is delivered. */
  readonly deliveriesMs?: () => readonly number[];
}
