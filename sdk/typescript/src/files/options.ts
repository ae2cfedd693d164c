/** What is told of a transfer while it runs, and how it is stopped. */
/** How far a transfer is. */
export interface Progress {
  /** What is done now: reading the bytes to know their SHA-256, sending, copying, receiving. */
  step: 'hashing' | 'sending' | 'copying' | 'receiving';
  doneBytes: number;
  totalBytes: number;
}

/** How a file is sent or fetched. */
export interface TransferOptions {
  /** Called often; of `copying` only the beginning and the end are known. */
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}
