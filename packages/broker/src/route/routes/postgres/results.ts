/**
 * Which answer of the server belongs to which message of the caller, so that rows are counted and masked by the rule of
 * their own statement. Whatever does not fit ends the session: nothing is passed on that could be another's rows.
 */
import { Failure } from '../../../base/failure.ts'
import { errorResponse } from './answers.ts'
import { textAt } from './bytes.ts'
import { closedStatement, type Looked } from './caller-messages.ts'
import { binaryColumns, maskedRow, type ResultRule } from './masks.ts'

interface Portal {
  readonly rule: ResultRule | undefined
  readonly binary: (column: number) => boolean
  rows: number
}

type Sent =
  | {
      readonly kind: 'Query'
      readonly rules: readonly ResultRule[]
      at: number
      rows: number
      answered: boolean
    }
  | { readonly kind: 'Parse'; readonly name: string; readonly rule: ResultRule | undefined }
  | {
      readonly kind: 'Bind'
      readonly portal: string
      readonly name: string
      readonly binary: Portal['binary']
    }
  | { readonly kind: 'Execute'; readonly portal: string }
  | { readonly kind: 'Close'; readonly name: string | undefined }
  | { readonly kind: 'Describe' | 'Sync' | 'CopyEnd' }

/**
 * Rows beyond a limit after which the server is asked to stop. Not at once: a cancellation that comes late hits the next
 * statement, and few rows are over before it could arrive.
 */
const worthStopping = 10_000
const textForm = () => false

export class Results {
  readonly #key: Uint8Array
  readonly #stop: () => void
  #sent: Sent[] = []
  readonly #prepared = new Map<string, ResultRule | undefined>()
  readonly #portals = new Map<string, Portal>()
  /** A limit was passed: the caller has its error and hears nothing until ReadyForQuery. */
  #dropping = false
  /** The server takes a COPY, and the caller has not said yet that it is at its end. */
  #copying = false

  /** `stop`: asks the server to end what runs. */
  constructor(key: Uint8Array, stop: () => void) {
    this.#key = key
    this.#stop = stop
  }

  /** A message that goes to the server now. `rules`: of the statements in it, one each. */
  sent(bytes: Buffer, looked: Looked, rules: readonly ResultRule[]): void {
    const { kind, from, to } = looked
    if (this.#copying && (kind === 'Sync' || kind === 'CopyEnd')) {
      this.#copying = kind === 'Sync'
      return
    }
    if (kind === 'Query' || kind === 'FunctionCall')
      this.#sent.push({ kind: 'Query', rules, at: 0, rows: 0, answered: false })
    else if (kind === 'Parse')
      this.#sent.push({ kind, name: textAt(bytes, from + 5, to).text, rule: rules[0] })
    else if (kind === 'Bind') {
      const portal = textAt(bytes, from + 5, to)
      const name = textAt(bytes, portal.next, to)
      const binary = binaryColumns(bytes.subarray(0, to), name.next)
      this.#sent.push({ kind, portal: portal.text, name: name.text, binary })
    } else if (kind === 'Execute') this.#sent.push({ kind, portal: textAt(bytes, from + 5, to).text })
    else if (kind === 'Close') this.#sent.push({ kind, name: closedStatement(bytes, looked) })
    else this.#sent.push({ kind })
  }

  /** What the caller gets for a message of the server; `undefined`: nothing. */
  next(type: string, message: Buffer): Buffer | undefined {
    if ('NAS'.includes(type)) return message
    if (type !== 'G') while (this.#sent[0]?.kind === 'CopyEnd') this.#sent.shift()
    const shown = this.#step(type, message)
    if (type !== 'Z') return this.#dropping && shown === message ? undefined : shown
    this.#dropping = false
    return message
  }

  #step(type: string, message: Buffer): Buffer {
    const [head] = this.#sent
    switch (type) {
      case 'D':
      case 'd':
        return this.#row(type, message, head)
      case 'H':
        if (this.#portalOf(head)?.rule?.masks !== undefined) throw astray('COPY of what is masked')
        return message
      case 'c':
        return message
      case 'G':
        this.#copyIn()
        return message
      case 'E':
        this.#failed(head)
        return message
      case 'Z':
        if (head?.kind !== 'Sync' && !(head?.kind === 'Query' && head.answered)) throw astray('ReadyForQuery')
        this.#sent.shift()
        // Portals end with their transaction.
        if (message[5] === 0x49) this.#portals.clear()
        return message
      default:
        this.#done(type, head)
        return message
    }
  }

  /** After an error in the extended protocol the server skips everything until Sync. */
  #failed(head: Sent | undefined): void {
    this.#copying = false
    if (head?.kind === 'Query') head.answered = true
    else while (!['Sync', undefined].includes(this.#sent[0]?.kind)) this.#sent.shift()
  }

  #done(type: string, head: Sent | undefined): void {
    if (head?.kind === 'Query') {
      if (type !== 'T') head.answered = true
      if (type === 'C') {
        head.at++
        head.rows = 0
      } else if (!'TI'.includes(type)) throw astray(type)
      return
    }
    const fits =
      (type === '1' && head?.kind === 'Parse') ||
      (type === '2' && head?.kind === 'Bind') ||
      (type === '3' && head?.kind === 'Close') ||
      ('Tnt'.includes(type) && head?.kind === 'Describe') ||
      ('CsI'.includes(type) && head?.kind === 'Execute')
    if (!fits) throw astray(type)
    if (head.kind === 'Parse') this.#prepared.set(head.name, head.rule)
    if (head.kind === 'Close' && head.name !== undefined) this.#prepared.delete(head.name)
    if (head.kind === 'Bind')
      this.#portals.set(head.portal, { rule: this.#prepared.get(head.name), binary: head.binary, rows: 0 })
    if (type !== 't') this.#sent.shift()
  }

  #row(type: string, message: Buffer, head: Sent | undefined): Buffer {
    const counted = this.#portalOf(head)
    if (counted === undefined) throw astray(type)
    const { rule, binary } = counted
    const rows = this.#count(head, counted)
    if (rule?.rows !== undefined && rows > rule.rows) {
      if (rows === rule.rows + worthStopping) this.#stop()
      if (this.#dropping) return message
      this.#dropping = true
      return tooMany(rule.rows)
    }
    if (rule?.masks === undefined || this.#dropping) return message
    return maskedRow(message, rule.masks, binary, this.#key)
  }

  #count(head: Sent | undefined, portal: Portal): number {
    if (head?.kind === 'Query') return ++head.rows
    return ++portal.rows
  }

  /** What rows belong to that come now. */
  #portalOf(head: Sent | undefined): Portal | undefined {
    if (head?.kind === 'Query') return { rule: head.rules[head.at], binary: textForm, rows: 0 }
    return head?.kind === 'Execute' ? this.#portals.get(head.portal) : undefined
  }

  /** While it takes a COPY, the server does not answer a Sync that comes before its end. */
  #copyIn(): void {
    const end = this.#sent.findIndex(({ kind }) => kind === 'CopyEnd')
    this.#copying = end === -1
    const before = (at: number) => this.#copying || at <= end
    this.#sent = this.#sent.filter(({ kind }, at) => !(before(at) && (kind === 'Sync' || kind === 'CopyEnd')))
  }
}

function tooMany(rows: number): Buffer {
  const text = `The statement has more than the ${rows} rows that the policy allows.`
  return errorResponse({ severity: 'ERROR', sqlstate: '54000', text })
}

function astray(what: string): Failure {
  return new Failure('internal', { reason: `an answer of the server belongs to no message: ${what}` })
}
