/** What the ECS API refuses, by the names that its SDK knows. */
export type EcsErrorCode =
  | 'AccessDeniedException'
  | 'ClientException'
  | 'ClusterNotFoundException'
  | 'ConflictException'
  | 'InvalidParameterException'
  | 'ThrottlingException'
  | 'UnknownOperationException';

export class EcsError extends Error {
  override readonly name = 'EcsError';
  readonly code: EcsErrorCode;

  constructor(code: EcsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
