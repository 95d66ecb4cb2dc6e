/** A byte sink puts an answer together in one buffer: text, and ranges of other bytes, one after the other. */
export class ByteSink {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  text(text: string): void {
    // No UTF-16 unit takes more than three bytes.
    this.#reserve(text.length * 3);
    this.#length += this.#buffer.write(text, this.#length);
  }

  byte(byte: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = byte;
    this.#length += 1;
  }

  /** Copies what lies from `start` up to `end`. */
  range(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    const to = this.#buffer;
    let length = this.#length;
    if (end - start > SHORT_RANGE) {
      // What was not copied does not count: behind it lies memory that others have used.
      length += bytes.copy(to, length, start, end);
    } else {
      // Cheaper than a call for a few bytes.
      for (let at = start; at < end; at += 1) to[length++] = bytes[at] ?? 0;
    }
    this.#length = length;
  }

  bytes(bytes: Buffer): void {
    this.range(bytes, 0, bytes.length);
  }

  /** Empties the sink and returns what was put in, as a view that is good until something is put in again. */
  drain(): Buffer {
    const drained = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    return drained;
  }

  /** Takes away what was put in from `start` on, and returns it: a copy. */
  cut(start: number): Buffer {
    const behind = Buffer.from(this.#buffer.subarray(start, this.#length));
    this.#length = start;
    return behind;
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + length));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/** For so few bytes a loop is faster than `copy`, which is a call into native code. */
const SHORT_RANGE = 48;
