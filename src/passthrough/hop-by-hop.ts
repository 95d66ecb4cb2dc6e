// Headers that are about one connection and end there, in both directions (RFC 9110 §7.6.1).

/**
 * Whether a header may be one that stops here, by its first letter and its length: that settles it for nearly all, of
 * which there are many. `name` is in any case.
 */
export function mayBeHopByHop(name: string): boolean {
  switch (name.charCodeAt(0) | LOWER_CASE) {
    case LETTER_C:
    case LETTER_K:
    case LETTER_T:
    case LETTER_U:
    case LETTER_E:
      return LENGTHS.has(name.length);
    case LETTER_P:
      return true;
    default:
      return false;
  }
}

const LOWER_CASE = 0x20;
const [LETTER_C, LETTER_K, LETTER_T, LETTER_U, LETTER_E, LETTER_P] = Buffer.from('cktuep');

/** Whether the header stops here. `name` is in lower case. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name) || name.startsWith('proxy-');
}

/** `Expect` is answered here; `Proxy` is no header at all, but becomes HTTP_PROXY in CGI programs. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'proxy',
]);

const LENGTHS: ReadonlySet<number> = new Set([...HOP_BY_HOP].map(({ length }) => length));

/**
 * Headers that `Connection` must not take away, though RFC 9110 would let it: who asks, for whom, from where, and
 * where the body ends. Without this a client could strip what a proxy before us has added.
 */
const PROTECTED: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'cookie',
  'content-length',
  'content-type',
  'content-encoding',
  'forwarded',
  'x-real-ip',
  'set-cookie',
  'www-authenticate',
]);

/** Raw header pairs → those that go on, given all values of `Connection`. The same array where nothing is named. */
export function withoutNamed(rawHeaders: string[], connectionValues: string): string[] {
  const named = new Set(
    connectionValues
      .toLowerCase()
      .split(',')
      .map((option) => option.trim()),
  );
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const lower = name.toLowerCase();
    if (!named.has(lower) || PROTECTED.has(lower) || lower.startsWith('x-forwarded-')) {
      kept.push(name, rawHeaders[i + 1] ?? '');
    }
  }
  return kept;
}

/** Whether a `Connection` value names anything but the connection's own fate, as almost none does. */
export function namesHeaders(connectionValue: string): boolean {
  return !/^(?:keep-alive|close)$/i.test(connectionValue);
}
