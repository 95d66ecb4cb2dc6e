// How many different accounts there were, without any of them being kept: a HyperLogLog.

/** 2^9: within 5 % of a large number, and right for a few dozen. */
const INDEX_BITS = 9;
const REGISTERS = 2 ** INDEX_BITS;
/**
 * The constant of the estimate for 512 registers.
 *
 * @see https://algo.inria.fr/flajolet/Publications/FlFuGaMe07.pdf
 */
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

/**
 * A set of accounts that tells only how many they are.
 *
 * Of a hash it keeps how many zeros some of its bits begin with, if no other had more: no account can be read from it, and
 * without the hash's key none can be looked for in it.
 */
export class AccountSketch {
  readonly #registers: Uint8Array;

  constructor(registers: Uint8Array = new Uint8Array(REGISTERS)) {
    this.#registers = registers;
  }

  /** Takes the first six bytes of a keyed hash. */
  add(hash: Buffer): void {
    const index = hash.readUInt16BE(0) % REGISTERS;
    const rank = Math.clz32(hash.readUInt32BE(2)) + 1;
    if (rank > (this.#registers[index] ?? 0)) this.#registers[index] = rank;
  }

  /** About how many different ones were added. */
  count(): number {
    let sum = 0;
    let zeros = 0;
    for (const rank of this.#registers) {
      sum += 2 ** -rank;
      if (rank === 0) zeros += 1;
    }
    const estimate = (ALPHA * REGISTERS ** 2) / sum;
    const isSmall = estimate <= 2.5 * REGISTERS && zeros > 0;
    return Math.round(isSmall ? REGISTERS * Math.log(REGISTERS / zeros) : estimate);
  }

  /** Takes all that the other one has: whoever is in both counts once, if both have hashes of the same key. */
  addAll(other: AccountSketch): void {
    other.#registers.forEach((rank, index) => {
      if (rank > (this.#registers[index] ?? 0)) this.#registers[index] = rank;
    });
  }

  /** Writes the sketch in base64, as `fromText` reads it; '' where it is empty. */
  toText(): string {
    return this.#registers.every((rank) => rank === 0) ? '' : Buffer.from(this.#registers).toString('base64');
  }

  /** Anything but a text of `toText` gives an empty one. */
  static fromText(text: string): AccountSketch {
    const registers = Buffer.from(text, 'base64');
    const isWhole = registers.length === REGISTERS && registers.every((rank) => rank <= 33);
    return new AccountSketch(isWhole ? new Uint8Array(registers) : new Uint8Array(REGISTERS));
  }
}
