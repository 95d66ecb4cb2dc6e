import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteSink } from '../../src/stream/byte-sink.ts';

describe('ByteSink', () => {
  test('any texts, bytes and ranges -> one after the other, whatever room there was at first', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }).map((text) => ({ text, bytes: undefined })),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ text: undefined, bytes: Buffer.from(bytes) })),
    );
    fc.assert(
      fc.property(fc.array(part), fc.integer({ min: 1, max: 64 }), (parts, capacity) => {
        const sink = new ByteSink(capacity);
        for (const { text, bytes } of parts) {
          if (text !== undefined) sink.text(text);
          else sink.range(bytes, Math.floor(bytes.length / 3), bytes.length);
          sink.byte(0x2c);
        }
        const expected = parts.flatMap(({ text, bytes }) => [
          text === undefined ? bytes.subarray(Math.floor(bytes.length / 3)) : Buffer.from(text),
          Buffer.from(','),
        ]);
        expect(sink.length).toBe(Buffer.concat(expected).length);
        expect(sink.drain().equals(Buffer.concat(expected))).toBe(true);
        expect(sink.length).toBe(0);
      }),
    );
  });
});
