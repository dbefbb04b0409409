import { parentPort, workerData } from 'node:worker_threads'
import type { Outcome } from './group.ts'
import { openSqliteWriter } from './sqlite-writer.ts'
import { readTape, type Tape } from './tape.ts'

/** What the main thread asks of the writer's thread; `id` returns with the answer. */
export type WriterRequest = { readonly id: number } & (
  | { readonly ask: 'open' | 'ping' | 'close' }
  | { readonly ask: 'write'; readonly tape: Tape }
  | { readonly ask: 'prune'; readonly before: number; readonly endedBefore: number; readonly limit: number }
)

export type WriterAnswer = { readonly id: number } & (
  | { readonly outcomes: readonly Outcome[] }
  | { readonly pruned: number }
  | { readonly error: string }
)

/** The writer's thread: a slow disk stops this loop and never the one that answers requests. */
function serve(port: NonNullable<typeof parentPort>, path: string): void {
  const writer = openSqliteWriter(path)
  const answer = (request: WriterRequest): WriterAnswer => {
    const { id } = request
    try {
      if (request.ask === 'write') return { id, outcomes: writer.write(readTape(request.tape)) }
      if (request.ask === 'prune') {
        return { id, pruned: writer.prune(request.before, request.endedBefore, request.limit) }
      }
      if (request.ask === 'ping') writer.ping()
      if (request.ask === 'close') writer.close()
      return { id, outcomes: [] }
    } catch (thrown) {
      return { id, error: thrown instanceof Error ? thrown.message : String(thrown) }
    }
  }
  port.on('message', (request: WriterRequest) => {
    port.postMessage(answer(request))
    if (request.ask === 'close') port.close()
  })
}

const start = workerData as { readonly mayflyStore?: string } | undefined
if (parentPort !== null && start?.mayflyStore !== undefined) serve(parentPort, start.mayflyStore)
