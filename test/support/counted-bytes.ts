/** How often bytes were looked at or copied. */
export interface Steps {
  count: number;
}

/** The same bytes, which count each look at one, and each byte of a part that is taken of them. */
export function countedBytes(bytes: Buffer, steps: Steps): Buffer {
  return new Proxy(bytes, {
    get(target, key) {
      if (key === 'subarray')
        return (start = 0, end = target.length): Buffer => {
          steps.count += end - start;
          return target.subarray(start, end);
        };
      if (typeof key === 'string' && /^\d+$/.test(key)) steps.count += 1;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
