/** One session, both ways: the caller's messages pass when its lease is alive and its statements are allowed. */
import { asFailure, type Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import type { Meter } from '../../route.ts'
import { failureResponse, permissionOver } from './answers.ts'
import { CallerMessages, closedStatement, type Looked, type Scanned, statementOf } from './caller-messages.ts'
import type { MeteredStatements } from './metered.ts'
import type { RecordedStatements } from './recorded.ts'
import { Refusals } from './refusals.ts'
import { Results } from './results.ts'
import { ServerMessages } from './server-messages.ts'
import {
  meteredOf,
  noFunctionCalls,
  recordedOf,
  type SessionParts,
  shutDown,
  tooIdle,
} from './session-parts.ts'

/** How long a session may go on after its lease ended, when nothing is asked on it. */
const everyMs = 1000
/** Bytes of a caller that may wait for an answer of the gate. */
const mostWaiting = 1_048_576

export class Session {
  readonly #parts: SessionParts
  readonly #fromCaller: CallerMessages
  readonly #fromServer: ServerMessages
  readonly #refusals: Refusals
  readonly #results: Results | undefined
  readonly #recorded: RecordedStatements | undefined
  readonly #meter: Meter | undefined
  readonly #metered: MeteredStatements | undefined
  #waiting: Buffer[] = []
  #waitingSize = 0
  #running = false
  /** Rounds that the server has to answer yet, and the state of the transaction after the last one. */
  #rounds = 0
  #state = 0x49
  #moved: number
  #closing = false
  #over = false
  #cancelWatch = () => {}

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#moved = parts.tools.now()
    const results = parts.statements.ruleResults ? new Results(parts.hashKey, parts.stop) : undefined
    this.#results = results
    const recorded = recordedOf(parts)
    this.#recorded = recorded
    this.#meter = parts.gate.meter(parts.admitted, parts.ask)
    this.#metered = meteredOf(this.#meter, parts.statements)
    const isFollowed = results !== undefined || recorded !== undefined || this.#meter !== undefined
    this.#fromCaller = new CallerMessages(parts.limits, isFollowed)
    this.#refusals = new Refusals(Buffer.from(parts.tools.randomBytes(12)).toString('hex'))
    this.#fromServer = new ServerMessages({
      shaped: results === undefined ? undefined : (type, message) => results.next(type, message),
      ended: recorded && ((type, message) => recorded.next(type, message)),
      replaced: (error) => this.#refusals.replaced(error),
      expecting: () => this.#refusals.waiting,
      ready: (state) => {
        this.#rounds--
        this.#state = state
      },
    })
  }

  /** Carries until one side leaves or the permission ends. Resolves when both connections are gone. */
  carry(): Promise<void> {
    const { caller, upstream } = this.#parts
    this.#watch()
    upstream.on('data', (chunk: Buffer) => this.#toCaller(chunk))
    caller.on('data', (chunk: Buffer) => this.#take(chunk))
    upstream.on('drain', () => this.#resume())
    caller.on('drain', () => upstream.resume())
    caller.on('end', () => upstream.end())
    upstream.on('end', () => caller.end())
    return new Promise((resolve) => {
      const closed = () => {
        this.#over = true
        this.#cancelWatch()
        this.#recorded?.over()
        caller.destroy()
        upstream.destroy()
        resolve()
      }
      caller.once('close', closed)
      // What the server said last may still be on its way to the caller.
      upstream.once('close', () => (caller.writableFinished ? closed() : caller.end(closed)))
    })
  }

  /** Ends it now where nothing runs, and otherwise once nothing does. */
  finish(): void {
    this.#closing = true
    if (this.#rounds <= 0 && this.#state === 0x49) this.cut(shutDown)
  }

  /** Says why, where the caller can still hear it, and ends both connections. */
  cut(last: Buffer): void {
    if (this.#over) return
    this.#over = true
    const { caller, upstream } = this.#parts
    upstream.destroy()
    this.#cancelWatch()
    if (!this.#fromServer.atBoundary || caller.destroyed) caller.destroy()
    else caller.end(last, () => caller.destroy())
  }

  #watch(): void {
    const { gate, admitted, tools, idleMs } = this.#parts
    const look = async () => {
      if (tools.now() - this.#moved > idleMs) return this.cut(tooIdle)
      const holds = await gate.holds(admitted).catch(() => false)
      if (this.#over) return
      if (!holds) return this.#end()
      this.#cancelWatch = tools.after(everyMs, () => void look())
    }
    this.#cancelWatch = tools.after(everyMs, () => void look())
  }

  #end(): void {
    const { tools, admitted } = this.#parts
    tools.log.info('a session was cut: its lease is over', { lease: admitted.leaseId })
    this.cut(permissionOver)
  }

  #toCaller(chunk: Buffer): void {
    if (this.#over) return
    const { upstream, tools } = this.#parts
    this.#moved = tools.now()
    const wasWhole = this.#fromServer.atBoundary
    let pieces: readonly Buffer[] | undefined
    try {
      pieces = this.#fromServer.scan(chunk)
    } catch (thrown) {
      this.#failed(thrown)
      return
    }
    if (pieces === undefined) {
      this.cut(shutDown)
      return
    }
    if (this.#meter?.flows !== true) {
      this.#give(pieces)
      return
    }
    upstream.pause()
    this.#takeFlow(this.#meter, pieces).then(
      () => {
        if (this.#over) return
        upstream.resume()
        this.#give(pieces)
      },
      (thrown: unknown) => (wasWhole ? this.#failed(thrown) : this.#parts.caller.destroy()),
    )
  }

  async #takeFlow(meter: Meter, pieces: readonly Buffer[]): Promise<void> {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    await meter.take({ rows: this.#fromServer.newRows(), bytes })
  }

  #give(pieces: readonly Buffer[]): void {
    const { caller, upstream } = this.#parts
    let room = true
    for (const piece of pieces) room = caller.write(piece)
    if (!room) upstream.pause()
    if (this.#closing) this.finish()
  }

  #take(chunk: Buffer): void {
    if (this.#over) return
    this.#waiting.push(chunk)
    this.#waitingSize += chunk.length
    if (this.#running) {
      if (this.#waitingSize > mostWaiting) this.#parts.caller.pause()
      return
    }
    this.#running = true
    this.#run().catch((thrown: unknown) => this.#failed(thrown))
  }

  #failed(thrown: unknown): void {
    const failure = asFailure(thrown)
    const { tools, ask } = this.#parts
    const id = failure.entry ?? newId('er', tools)
    const { code, reason, cause } = failure
    tools.log.info('a session was cut', { route: ask.route, error_id: id, code, reason, cause })
    this.cut(failureResponse(failure, 'FATAL', id))
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#over) {
      const [first] = this.#waiting
      const chunk = this.#waiting.length === 1 && first !== undefined ? first : Buffer.concat(this.#waiting)
      this.#waiting = []
      this.#waitingSize = 0
      const scanned = this.#fromCaller.scan(chunk)
      if (scanned === undefined) continue
      const { gate, admitted, statements } = this.#parts
      if (scanned.asks) {
        const holds = await gate.holds(admitted).catch(() => false)
        // Recorded or counted from now on: what was sent before would be missing.
        const { ask } = this.#parts
        const isFollowed = this.#recorded !== undefined || !gate.records(ask.target)
        const isMetered = this.#meter !== undefined || gate.meter(admitted, ask) === undefined
        if (!holds || !isFollowed || !isMetered || !statements.stillAllowed()) return this.#end()
      }
      await this.#pass(scanned)
    }
    this.#running = false
    this.#resume()
  }

  #resume(): void {
    const { caller, upstream } = this.#parts
    if (!upstream.writableNeedDrain && this.#waitingSize <= mostWaiting && !this.#over) caller.resume()
  }

  async #pass({ bytes, looked, rounds }: Scanned): Promise<void> {
    const { upstream, caller, tools } = this.#parts
    await this.#recorded?.room()
    const pieces: Buffer[] = []
    let sent = 0
    for (const each of looked) {
      const instead = await this.#instead(bytes, each)
      if (instead === undefined) continue
      pieces.push(bytes.subarray(sent, each.from), instead)
      sent = each.to
    }
    await this.#recorded?.ready()
    if (this.#over || upstream.destroyed) return
    this.#moved = tools.now()
    this.#rounds += rounds
    const last = sent === 0 ? bytes : bytes.subarray(sent)
    const room = upstream.write(pieces.length === 0 ? last : Buffer.concat([...pieces, last]))
    if (!room) caller.pause()
  }

  /** What takes a refused message's place; `undefined` when it may pass. */
  async #instead(bytes: Buffer, looked: Looked): Promise<Buffer | undefined> {
    const { statements } = this.#parts
    const { kind } = looked
    if (kind !== 'Query' && kind !== 'Parse' && kind !== 'FunctionCall') {
      const name = kind === 'Close' ? closedStatement(bytes, looked) : undefined
      if (name !== undefined) statements.closed(name)
      const spent = await this.#metered?.refusal(bytes, looked)
      if (spent !== undefined) return this.#spent(bytes, looked, spent)
      this.#results?.sent(bytes, looked, [])
      this.#recorded?.sent(bytes, looked)
      return undefined
    }
    if (kind === 'FunctionCall') return await this.#refused(bytes, looked, '', noFunctionCalls)
    const { name, text } = statementOf(bytes, looked)
    const found = statements.look(kind, name, text)
    if (found.refusal !== undefined) return await this.#refused(bytes, looked, name, found.refusal)
    const cost = kind === 'Query' && this.#metered ? statements.cost(text) : undefined
    const spent = cost && (await this.#metered?.refusal(bytes, looked, cost))
    if (spent !== undefined) return this.#spent(bytes, looked, spent)
    this.#results?.sent(bytes, looked, found.results)
    this.#recorded?.sent(bytes, looked, text)
    return undefined
  }

  /** It is in the log already. An Execute fails as the Parse of a word does, under a name that nobody uses. */
  #spent(bytes: Buffer, looked: Looked, failure: Failure): Buffer {
    this.#results?.sent(bytes, looked, [])
    const place = looked.kind === 'Query' ? 'Query' : 'Parse'
    this.#recorded?.replaced(place)
    const error = failureResponse(failure, 'ERROR', failure.entry ?? newId('er', this.#parts.tools))
    return this.#refusals.instead(place, 'mayfly_refused', error)
  }

  async #refused(bytes: Buffer, looked: Looked, name: string, refusal: Failure): Promise<Buffer> {
    const { gate, admitted, ask, tools } = this.#parts
    const failure = await gate.refuse(admitted, { ...ask, action: looked.kind }, refusal)
    // The gate may have nothing to write it to; then nothing goes on.
    if (failure.code !== refusal.code) throw failure
    this.#results?.sent(bytes, looked, [])
    const place = looked.kind === 'Parse' ? 'Parse' : 'Query'
    this.#recorded?.replaced(place)
    const error = failureResponse(failure, 'ERROR', failure.entry ?? newId('er', tools))
    return this.#refusals.instead(place, name, error)
  }
}
