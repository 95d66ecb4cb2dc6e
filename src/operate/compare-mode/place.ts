import type { Difference } from '../compare.ts';

/** The way in which two answers differ at a place. */
export type DifferenceKind = 'missing in ours' | 'missing natively' | 'another value' | 'another order';

/** Keys of legacy answers and of Matrix events: words of the specification, which tell nothing of anybody. */
const KNOWN_KEY = /^[a-z_]{1,30}$/;
const KNOWN_TYPE = /^m\.[a-z_]{1,30}(?:\.[a-z_]{1,30}){0,3}(?= |$)/;
/** Below these keys stands what people wrote. */
const PRIVATE = new Set(['content', 'prev_content']);

/**
 * The path of a difference → the same without anything that tells whom or what it is about: `rooms * state m.room.name
 * content`.
 */
export function placeOf({ path }: Pick<Difference, 'path'>): string {
  const parts: string[] = [];
  for (const key of path) {
    parts.push(
      key.startsWith('order ') ? 'order' : (KNOWN_TYPE.exec(key)?.[0] ?? (KNOWN_KEY.test(key) ? key : '*')),
    );
    if (PRIVATE.has(key)) break;
  }
  return parts.length === 0 ? 'the whole answer' : parts.join(' ');
}

export function kindOf({ path, native, ours }: Difference): DifferenceKind {
  if (path.at(-1)?.startsWith('order ')) return 'another order';
  if (ours === undefined) return 'missing in ours';
  return native === undefined ? 'missing natively' : 'another value';
}
