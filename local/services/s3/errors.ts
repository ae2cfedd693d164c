/**
 * Errors as S3 words them. The code and status decide what the SDK throws; the message is for people.
 */
export class S3Error extends Error {
  readonly code: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: string,
    status: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'S3Error';
    this.code = code;
    this.status = status;
    this.headers = headers;
  }
}

export const noSuchKey = () => new S3Error('NoSuchKey', 404, 'The specified key does not exist.');

export const noSuchBucket = () =>
  new S3Error('NoSuchBucket', 404, 'The specified bucket does not exist');

export const noSuchUpload = () =>
  new S3Error(
    'NoSuchUpload',
    404,
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  );

export const preconditionFailed = () =>
  new S3Error(
    'PreconditionFailed',
    412,
    'At least one of the pre-conditions you specified did not hold',
  );

export const incompleteBody = (message: string) => new S3Error('IncompleteBody', 400, message);

export const badDigest = (name: string) =>
  new S3Error('BadDigest', 400, `The ${name} you specified did not match the calculated checksum.`);

export const invalidArgument = (message: string) => new S3Error('InvalidArgument', 400, message);

export const notServed = (what: string) =>
  new S3Error('NotImplemented', 501, `The local stand-in of S3 does not serve ${what}`);
