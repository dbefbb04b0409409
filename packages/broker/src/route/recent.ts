/** A map that keeps the `size` entries used last. */
export class Recent<Value> {
  readonly #size: number
  readonly #entries = new Map<string, Value>()

  constructor(size: number) {
    this.#size = size
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    // A Map keeps the order of insertion, so the entry used last goes to the end; nobody asks while there is room.
    if (this.#entries.size * 2 >= this.#size) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#size && oldest !== undefined) this.#entries.delete(oldest)
  }

  /** Forgets the oldest ones for as long as they are over: who does not come again leaves nothing behind. */
  forget(isOver: (value: Value) => boolean): void {
    for (const [key, value] of this.#entries) {
      if (!isOver(value)) return
      this.#entries.delete(key)
    }
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}
