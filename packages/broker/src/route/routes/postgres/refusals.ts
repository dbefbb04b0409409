/**
 * A refused statement has to fail where it stands: what came before it in a pipeline counts, what comes after is
 * skipped until Sync, the transaction is failed. Only the server does all of that right. So it gets, in the place of the
 * statement, a word that is none of its language, and the caller gets our error in the place of the server's.
 */
import { errorResponse } from './answers.ts'
import { written } from './bytes.ts'

/** Refusals whose error has not come back; a caller that makes more of them at once loses the words, not the error. */
const most = 256

export class Refusals {
  readonly #mark: string
  readonly #waiting = new Map<string, Buffer>()
  #count = 0
  #answered = 0

  /** `nonce`: letters and digits that nobody outside can guess. */
  constructor(nonce: string) {
    this.#mark = `mayfly_refused_${nonce}_`
  }

  /** Whether a word's error may still come; those that the server skips never do. */
  get waiting(): boolean {
    return this.#answered < this.#count
  }

  /** What goes to the server instead. `name`: of the prepared statement that would have been made. */
  instead(kind: 'Query' | 'Parse', name: string, error: Buffer): Buffer {
    const word = `${this.#mark}${this.#count++}_`
    // The oldest are answered first, and of one pipeline only the first is.
    if (this.#waiting.size < most) this.#waiting.set(word, error)
    return kind === 'Query' ? written('Q', word) : written('P', name, word, Buffer.alloc(2))
  }

  /** Our error, where the server's is about one of our words. */
  replaced(error: Buffer): Buffer | undefined {
    const from = error.indexOf(this.#mark)
    if (from === -1) return undefined
    const [word = ''] = /^[a-z0-9_]+/.exec(error.toString('latin1', from, from + 120)) ?? []
    const ours = this.#waiting.get(word)
    this.#answered = Number(/_([0-9]+)_$/.exec(word)?.[1] ?? 0) + 1
    for (const each of this.#waiting.keys()) {
      this.#waiting.delete(each)
      // What is older was skipped: answers come in order.
      if (each === word) break
    }
    return ours ?? withoutWords
  }
}

const withoutWords = errorResponse({
  severity: 'ERROR',
  sqlstate: '42501',
  text: 'The statement is not allowed.',
})
