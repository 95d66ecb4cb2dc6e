import { STATUS_CODES } from 'node:http';

/** An answer's headers, in pairs → the length of its body that they tell; -1 where they tell none. */
export function lengthOf(headers: readonly string[]): number {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i];
    if (name?.length === 14 && name.toLowerCase() === 'content-length') return Number(headers[i + 1]);
  }
  return -1;
}

/** The homeserver's reason phrase, where Node would send it. */
export function reasonOf(status: number, text: string): string | undefined {
  const usual = STATUS_CODES[status];
  return text !== usual && /^[\t\x20-\x7e]+$/.test(text) ? text : usual;
}
