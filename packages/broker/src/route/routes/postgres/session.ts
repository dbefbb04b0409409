/** One session, both ways: the caller's messages pass when its lease is alive and its statements are allowed. */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { asFailure, Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Admitted, Ask, Gate } from '../../route.ts'
import { errorResponse, failureResponse, permissionOver } from './answers.ts'
import {
  CallerMessages,
  closedStatement,
  type Limits,
  type Looked,
  type Scanned,
  statementOf,
} from './caller-messages.ts'
import { RecordedStatements } from './recorded.ts'
import { Refusals } from './refusals.ts'
import { Results } from './results.ts'
import { ServerMessages } from './server-messages.ts'
import type { Statements } from './statements.ts'

/** How long a session may go on after its lease ended, when nothing is asked on it. */
const everyMs = 1000
/** Bytes of a caller that may wait for an answer of the gate. */
const mostWaiting = 1_048_576

export interface SessionParts {
  readonly caller: Duplex
  readonly upstream: Socket
  readonly admitted: Admitted
  readonly ask: Omit<Ask, 'token'>
  readonly gate: Gate
  readonly tools: Tools
  readonly limits: Limits
  readonly idleMs: number
  readonly statements: Statements
  /** What masks by hash are made with. */
  readonly hashKey: Uint8Array
  /** Asks the server to end what runs in this session. */
  readonly stop: () => void
}

export class Session {
  readonly #parts: SessionParts
  readonly #fromCaller: CallerMessages
  readonly #fromServer: ServerMessages
  readonly #refusals: Refusals
  readonly #results: Results | undefined
  readonly #recorded: RecordedStatements | undefined
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
    this.#fromCaller = new CallerMessages(parts.limits, results !== undefined || recorded !== undefined)
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
    const { caller, upstream, tools } = this.#parts
    this.#moved = tools.now()
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
        // Recorded from now on: what was sent before would be missing.
        const isFollowed = this.#recorded !== undefined || !gate.records(this.#parts.ask.target)
        if (!holds || !isFollowed || !statements.stillAllowed()) return this.#end()
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
      this.#results?.sent(bytes, looked, [])
      this.#recorded?.sent(bytes, looked)
      return undefined
    }
    if (kind === 'FunctionCall') return await this.#refused(bytes, looked, '', noFunctionCalls)
    const { name, text } = statementOf(bytes, looked)
    const found = statements.look(kind, name, text)
    if (found.refusal !== undefined) return await this.#refused(bytes, looked, name, found.refusal)
    this.#results?.sent(bytes, looked, found.results)
    this.#recorded?.sent(bytes, looked, text)
    return undefined
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

/** Where the policy asks for it as the session begins. */
function recordedOf({ gate, admitted, ask, statements }: SessionParts): RecordedStatements | undefined {
  if (!gate.records(ask.target)) return undefined
  const { route, target } = ask
  return new RecordedStatements(
    (carried) => gate.record(admitted, { route, target, action: 'statement' }, carried),
    (name) => statements.textOf(name),
  )
}

/** It names a function by its number and has no statement that could be looked at. */
const noFunctionCalls = new Failure('scope_refused', {
  detail: 'The message FunctionCall is not carried; call the function in a statement.',
})

const ending = { severity: 'FATAL', sqlstate: '57P01' } as const
const shutDown = errorResponse({ ...ending, text: 'The route is closing.' })
const tooIdle = errorResponse({ ...ending, sqlstate: '57P05', text: 'The session was idle for too long.' })
