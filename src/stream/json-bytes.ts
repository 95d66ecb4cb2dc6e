// The bytes that JSON is put together with.

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const BACKSLASH = 0x5c;
export const ARRAY_START = 0x5b;
export const ARRAY_END = 0x5d;
export const OBJECT_START = 0x7b;
export const OBJECT_END = 0x7d;

/** Tells whether the bytes from `start` up to `end` are these. */
export function isText(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  // Backwards, because names and ids differ most at their ends.
  for (let at = text.length - 1; at >= 0; at -= 1) if (bytes[start + at] !== text[at]) return false;
  return true;
}
