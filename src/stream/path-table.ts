import type { JsonPath } from './json-reader.ts';

/** A node of the table: what stands at a path, and below it. */
interface PathNode<Value> {
  value: Value | undefined;
  readonly children: Map<string, PathNode<Value>>;
  /** Every key, and every index, that has no child of its own is looked up here. */
  any: PathNode<Value> | undefined;
}

/**
 * Values by patterns of JSON paths: `rooms/join|leave/*`, where `*` stands for any key or index, `|` for either, and `''` is
 * the root. A key by name goes before `*`.
 */
export class PathTable<Value> {
  readonly root: PathNode<Value> = newNode();

  constructor(rows: Readonly<Record<string, Value>>) {
    for (const [pattern, value] of Object.entries(rows)) this.#add(pattern, value);
  }

  #add(pattern: string, value: Value): void {
    let nodes = [this.root];
    for (const segment of pattern === '' ? [] : pattern.split('/'))
      nodes = nodes.flatMap((node) => segment.split('|').map((key) => childFor(node, key)));
    for (const node of nodes) node.value = value;
  }
}

function childFor<Value>(node: PathNode<Value>, key: string): PathNode<Value> {
  if (key === '*') return (node.any ??= newNode());
  const known = node.children.get(key);
  if (known !== undefined) return known;
  const child = newNode<Value>();
  node.children.set(key, child);
  return child;
}

const newNode = <Value>(): PathNode<Value> => ({ value: undefined, children: new Map(), any: undefined });

/** A reader's way through a table: one look-up for each value, whose parent was looked up before. */
export class PathWalk<Value> {
  readonly #nodes: (PathNode<Value> | undefined)[];

  constructor({ root }: PathTable<Value>) {
    this.#nodes = [root];
  }

  /** A value begins: what the table has for it. Whether there may be something below it, tells `isListed`. */
  enter(path: JsonPath): Value | undefined {
    const depth = path.length;
    if (depth > 0) {
      const parent = this.#nodes[depth - 1];
      const key = path[depth - 1];
      const named = typeof key === 'string' ? parent?.children.get(key) : undefined;
      this.#nodes[depth] = named ?? parent?.any;
    }
    return this.#nodes[depth]?.value;
  }

  /** Gives what the table has for a value that was entered, and is taken or left now. */
  at(path: JsonPath): Value | undefined {
    return this.#nodes[path.length]?.value;
  }

  /** Whether the value that was entered at this path, or one below it, is in the table. */
  isListed(path: JsonPath): boolean {
    return this.#nodes[path.length] !== undefined;
  }
}
