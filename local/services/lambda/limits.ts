/** Payload limits of the Lambda API. */
export const SYNC_PAYLOAD_BYTES = 6 * 1024 * 1024;
export const ASYNC_PAYLOAD_BYTES = 1024 * 1024;

/** 6 MB and the 100 bytes that Lambda adds for its own envelope. */
export const RESPONSE_BYTES = 6_291_556;
