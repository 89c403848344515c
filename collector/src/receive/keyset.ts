/**
 * A set of digests that takes the same memory whatever is in it, none of it on the heap: hundreds of thousands of keys
 * would be most of what the garbage collector has to walk through. Of each digest 128 bits are kept, which no two requests
 * have in common by chance.
 */
export class KeySet {
  /** Four words a slot, the first of them 0 where it is free. */
  readonly #words: Uint32Array
  readonly #mask: number
  size = 0

  /** @param capacity keys that will be added at most */
  constructor(capacity: number) {
    // At most half full, so that a search ends soon.
    const slots = 2 ** Math.ceil(Math.log2(capacity * 2))
    this.#words = new Uint32Array(slots * 4)
    this.#mask = slots - 1
  }

  /** @param digest at least 16 bytes of a cryptographic hash */
  has(digest: Buffer): boolean {
    return this.#words[this.#find(digest)] !== 0
  }

  add(digest: Buffer): void {
    const at = this.#find(digest)
    if (this.#words[at] !== 0) return
    for (let i = 0; i < 4; i++) this.#words[at + i] = wordOf(digest, i)
    this.size++
  }

  /** Where the digest is, or the free slot where it would be. */
  #find(digest: Buffer): number {
    const words = this.#words
    const first = wordOf(digest, 0)
    for (let slot = digest.readUInt32LE(12) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * 4
      if (words[at] === 0) return at
      if (
        words[at] === first &&
        words[at + 1] === wordOf(digest, 1) &&
        words[at + 2] === wordOf(digest, 2) &&
        words[at + 3] === wordOf(digest, 3)
      ) {
        return at
      }
    }
  }
}

function wordOf(digest: Buffer, index: number): number {
  const word = digest.readUInt32LE(index * 4)
  return index === 0 && word === 0 ? 1 : word
}
