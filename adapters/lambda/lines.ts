/** Bytes → lines of UTF-8, across any split. A last line without its newline is given too. */
export async function* lines(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  for await (const chunk of bytes) {
    const text = decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      parts.push(text.slice(from, at));
      yield parts.join('');
      parts = [];
      from = at + 1;
    }
    if (from < text.length) parts.push(text.slice(from));
  }
  const rest = parts.join('') + decoder.decode();
  if (rest) yield rest;
}

const NEWLINE = 0x0a;
const MAX_HEAD_BYTES = 64 * 1024;

/** The first line, and the bytes that follow its newline; nothing where no line ends. */
export async function splitHead(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ line: string; rest: AsyncIterable<Uint8Array> } | undefined> {
  const source = bytes[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length <= MAX_HEAD_BYTES) {
    const step = await source.next();
    if (step.done) return undefined;
    head = Buffer.concat([head, step.value]);
    const end = head.indexOf(NEWLINE);
    if (end >= 0)
      return { line: head.toString('utf8', 0, end), rest: after(head.subarray(end + 1), source) };
  }
  await source.return?.();
  return undefined;
}

/** Ends the source when its reader stops. */
async function* after(
  first: Uint8Array,
  source: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (first.length > 0) yield first;
    for (let step = await source.next(); !step.done; step = await source.next()) yield step.value;
  } finally {
    await source.return?.();
  }
}
