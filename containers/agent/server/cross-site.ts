/**
 * Refuses what a web page could send. The agent has no token before its init, and on one machine
 * every browser reaches it: no page, nor a name that resolves to us, may claim a sandbox.
 * Must never read the body: it judges heads only.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { AppError } from '../../../contract/errors.ts';

/** A browser sets these itself, and no script can take them off. */
const OF_BROWSERS = ['origin', 'sec-fetch-site'] as const;
/** Of what a page may send without asking first, none. */
export const BODY_TYPES: readonly string[] = ['application/json', 'application/octet-stream'];
const HOST = /^(?:\[(?<six>[^\]]*)\]|(?<four>[^:]*))(?::\d{1,5})?$/;

export function refuseCrossSite(headers: IncomingHttpHeaders, bodyTypes = BODY_TYPES): void {
  const found = OF_BROWSERS.find((name) => headers[name] !== undefined);
  if (found)
    throw new AppError('PERMISSION_DENIED', `${found}: the agent answers no browser`, {
      details: { field: found, allowed: 'no such header' },
    });
  if (!isAddress(headers.host ?? ''))
    throw new AppError('VALIDATION_ERROR', 'host: must be an IP address, with or without a port', {
      details: { field: 'host', allowed: 'an IP address, with or without a port' },
    });
  // A page may send any other type across sites without asking first.
  if (hasBody(headers) && !bodyTypes.includes(mediaType(headers) ?? ''))
    throw new AppError(
      'UNSUPPORTED_MEDIA_TYPE',
      `content-type: must be ${bodyTypes.join(' or ')}`,
      {
        details: { field: 'content-type', allowed: bodyTypes },
      },
    );
}

/** A name may be made to lead to us after the page that it served was loaded. */
function isAddress(host: string): boolean {
  const { four, six } = HOST.exec(host)?.groups ?? {};
  return isIP(four ?? '') === 4 || isIP(six ?? '') === 6;
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

export function mediaType(headers: IncomingHttpHeaders): string | undefined {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}
