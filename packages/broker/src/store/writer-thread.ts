import { Worker } from 'node:worker_threads'
import { unavailable } from './group.ts'
import type { WriterAnswer, WriterRequest } from './sqlite-worker.ts'

/** A request without its number. */
type Ask = WriterRequest extends infer Each ? (Each extends unknown ? Omit<Each, 'id'> : never) : never

interface Open {
  readonly resolve: (answer: WriterAnswer) => void
  readonly reject: (reason: unknown) => void
}

/** The main thread's end of the writer's thread. When the thread dies, every open and later request rejects. */
export class WriterThread {
  readonly #worker: Worker
  readonly #open = new Map<number, Open>()
  #next = 0
  #dead: Error | undefined

  constructor(path: string) {
    // Sources run as .ts, the published package as .js beside it.
    const file = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData: { mayflyStore: path },
      execArgv: [],
      name: 'mayfly-store',
    })
    this.#worker.on('message', (answer: WriterAnswer) => this.#settle(answer))
    this.#worker.on('error', (cause) => this.#die(cause instanceof Error ? cause : new Error(String(cause))))
    this.#worker.on('exit', () => this.#die(new Error('the thread ended')))
    this.#worker.unref()
  }

  async ask(ask: Ask, transfer: readonly ArrayBuffer[] = []): Promise<WriterAnswer> {
    if (this.#dead !== undefined) throw gone(this.#dead)
    const id = this.#next++
    const answer = await new Promise<WriterAnswer>((resolve, reject) => {
      this.#open.set(id, { resolve, reject })
      // Only work in hand keeps the process alive.
      this.#worker.ref()
      this.#worker.postMessage({ ...ask, id }, transfer)
    })
    if ('error' in answer) throw unavailable(`the store could not write: ${answer.error}`)
    return answer
  }

  /** Ends the thread at once; what is open rejects. */
  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #settle(answer: WriterAnswer): void {
    const open = this.#open.get(answer.id)
    this.#open.delete(answer.id)
    if (this.#open.size === 0) this.#worker.unref()
    open?.resolve(answer)
  }

  #die(cause: Error): void {
    this.#dead ??= cause
    for (const open of this.#open.values()) open.reject(gone(cause))
    this.#open.clear()
  }
}

function gone(cause: Error) {
  return unavailable(`the writer of the store is gone: ${cause.message}`, cause)
}
