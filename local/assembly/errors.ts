/** What stops a start from a cloud assembly. The message names the stack, the resource and the cure. */
export class AssemblyError extends Error {
  override readonly name = 'AssemblyError';
}
