/**
 * The CDK writes optional members of its classes as `T | undefined` and those of its interfaces as
 * `T?`, which are not the same under `exactOptionalPropertyTypes`. This says that they are.
 */
export const asInterface = <Interface>(construct: Interface | object): Interface =>
  construct as Interface;
