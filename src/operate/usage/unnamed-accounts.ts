import { AccountSketch } from './account-sketch.ts';

/** A row of the report, in which accounts are counted. */
interface Counted {
  accounts: AccountSketch;
}

/** About 2 MB; of a token that is given up nothing is lost but that its user may count twice. */
const MOST = 5000;

/**
 * Access tokens whose user is not known yet, each as a keyed hash, with the rows that count it: what only passes tells no
 * user. As soon as the user is known it counts in the token's place, so that nobody is counted twice.
 */
export class UnnamedAccounts<Row extends Counted> {
  readonly #rows = new Map<string, Set<Row>>();

  /** The token was used in this row by somebody. */
  note(tokenHash: Buffer, row: Row): void {
    const key = tokenHash.toString('base64');
    const known = this.#rows.get(key);
    if (known !== undefined) known.add(row);
    else this.#rows.set(key, new Set([row]));
    if (this.#rows.size > MOST) this.#giveUpOldest();
  }

  /** It is this user's. */
  name(tokenHash: Buffer, userHash: Buffer): void {
    if (this.#rows.size === 0) return;
    const key = tokenHash.toString('base64');
    for (const row of this.#rows.get(key) ?? []) row.accounts.add(userHash);
    this.#rows.delete(key);
  }

  /** All accounts of each row that has some without a name, those with a name included. */
  withNamed(): Map<Row, AccountSketch> {
    const all = new Map<Row, AccountSketch>();
    for (const [key, rows] of this.#rows)
      for (const row of rows) {
        let sketch = all.get(row);
        if (sketch === undefined) {
          sketch = new AccountSketch();
          sketch.addAll(row.accounts);
          all.set(row, sketch);
        }
        sketch.add(Buffer.from(key, 'base64'));
      }
    return all;
  }

  #giveUpOldest(): void {
    const [oldest] = this.#rows;
    if (oldest === undefined) return;
    const [key, rows] = oldest;
    for (const row of rows) row.accounts.add(Buffer.from(key, 'base64'));
    this.#rows.delete(key);
  }
}
