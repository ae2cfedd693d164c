/** Lists: page by page for who wants pages, item by item for who does not. */

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** For the next page; null where there is none. */
  readonly nextCursor: string | null;
}

/** Which page. */
export interface PageOptions {
  /** 1 to 100. @default 50 */
  limit?: number;
  /** `nextCursor` of the page before. @default the first page */
  cursor?: string;
}

/**
 * A list that is read as it is walked.
 *
 * @example
 * ```ts
 * for await (const sandbox of client.listSandboxes()) console.log(sandbox.id);
 * const { items, nextCursor } = await client.listSandboxes().page({ limit: 10 });
 * ```
 */
export interface Paged<T> extends AsyncIterable<T> {
  /** One page, the first unless a cursor says otherwise. */
  page(options?: PageOptions): Promise<Page<T>>;
}

export function paged<Raw, T>(
  read: (query: { limit?: number; cursor?: string }) => Promise<Page<Raw>>,
  toItem: (raw: Raw) => T,
): Paged<T> {
  const page = async (options: PageOptions = {}): Promise<Page<T>> => {
    const { items, nextCursor } = await read({ ...options });
    return { items: items.map(toItem), nextCursor };
  };
  return {
    page,
    async *[Symbol.asyncIterator]() {
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const { items, nextCursor } = await page(cursor === undefined ? {} : { cursor });
        yield* items;
        cursor = nextCursor;
      }
    },
  };
}
