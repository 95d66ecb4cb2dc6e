import type { JsonMembers } from './json-members.ts';
import { JsonReaderError, type JsonPath, type JsonStep, type JsonVisitor } from './json-reader.ts';
import { PathTable, PathWalk } from './path-table.ts';

/**
 * A handler says what is done with the values at a path. Those above a listed path are entered; all others are
 * skipped.
 */
export interface PathHandler {
  /** The value is handed over as bytes, valid during the call. */
  take?: (bytes: Buffer, path: JsonPath) => void;
  /** An object is, with the places of its members. What is none goes to `take`, and without that is an error. */
  members?: (bytes: Buffer, members: JsonMembers, path: JsonPath) => void;
  /** All below it was read. */
  leave?: (path: JsonPath) => void;
}

/** A table of paths → a visitor that reads what is in it. */
export class PathReader implements JsonVisitor {
  readonly #walk: PathWalk<PathHandler>;

  constructor(handlers: Readonly<Record<string, PathHandler>>) {
    this.#walk = new PathWalk(new PathTable(handlers));
  }

  visit(path: JsonPath): JsonStep {
    const handler = this.#walk.enter(path);
    if (handler?.members !== undefined) return 'take members';
    if (handler?.take !== undefined) return 'take';
    return this.#walk.isListed(path) ? 'enter' : 'skip';
  }

  take(path: JsonPath, bytes: Buffer): void {
    const take = this.#walk.at(path)?.take;
    if (take === undefined) throw new JsonReaderError('A value is no object, or not well-formed');
    take(bytes, path);
  }

  takeMembers(path: JsonPath, bytes: Buffer, members: JsonMembers): void {
    this.#walk.at(path)?.members?.(bytes, members, path);
  }

  leave(path: JsonPath): void {
    this.#walk.at(path)?.leave?.(path);
  }
}
