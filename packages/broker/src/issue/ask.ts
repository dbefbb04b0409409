import { type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { Failure } from '../base/failure.ts'

/** One question to a provider that answers in JSON. */
export interface Question {
  /** Who is asked, for reasons: `Google STS`. */
  readonly who: string
  readonly url: string
  readonly method: 'POST' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Milliseconds for the whole answer. */
  readonly milliseconds: number
  readonly signal: AbortSignal
  /** PEM of the authorities that the server's certificate may come from; those of the system when absent. */
  readonly ca?: string | undefined
}

export interface Reply {
  readonly who: string
  readonly status: number
  readonly text: string
  /** `undefined`: it was no JSON. */
  readonly json: unknown
  readonly retryAfter: number | undefined
  /** What the provider's clock says, seconds since 1970. */
  readonly date: number | undefined
}

/** A token of some kilobytes, and what stands around it. */
const mostBytes = 65_536
const longestPause = 3600

/**
 * Asks once: never follows a redirect, never asks again. On a connection of its own, because one that the other side
 * closes meanwhile would look like no answer. Throws `provider_unavailable` when there is no whole answer.
 */
export async function ask(question: Question): Promise<Reply> {
  const { who } = question
  try {
    const { status, headers, text } = await exchanged(question)
    const date = Date.parse(headers.date ?? '') / 1000
    return {
      ...{ who, status, text, json: jsonOf(text) },
      retryAfter: pauseOf(headers['retry-after']),
      date: Number.isFinite(date) ? date : undefined,
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    throw new Failure('provider_unavailable', { reason: `${who} does not answer`, cause })
  }
}

interface Raw {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

function exchanged({
  who,
  url,
  method,
  headers,
  body = '',
  milliseconds,
  signal,
  ca,
}: Question): Promise<Raw> {
  const parsed = new URL(url)
  const options = {
    method,
    agent: false,
    headers: {
      accept: 'application/json',
      'user-agent': 'mayfly',
      connection: 'close',
      // Node frames no body of a DELETE by itself.
      'content-length': Buffer.byteLength(body),
      ...headers,
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]),
  } as const
  return new Promise((resolve, reject) => {
    const sent =
      parsed.protocol === 'https:'
        ? tlsRequest(parsed, { ...options, ...(ca === undefined ? {} : { ca }) })
        : plainRequest(parsed, options)
    sent.on('error', reject)
    sent.on('response', (response) => {
      const pieces: Buffer[] = []
      let bytes = 0
      response.on('data', (piece: Buffer) => {
        bytes += piece.length
        pieces.push(piece)
        if (bytes <= mostBytes) return
        reject(unavailable(`${who} gives an answer that is too long`))
        sent.destroy()
      })
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status = 0, headers: said } = response
        resolve({ status, headers: said, text: Buffer.concat(pieces).toString('utf8') })
      })
    })
    sent.end(body)
  })
}

/**
 * The failure that a refusal is: `target_refused` where asking again changes nothing, else `provider_unavailable`.
 * `word`: the provider's code; what it writes beside it may repeat what we sent, and goes no further.
 */
export function refusal({ who, status, retryAfter }: Reply, word: string | undefined): Failure {
  const reason = `${who} answers ${status}${word === undefined ? '' : `: ${word}`}`
  const forGood = status >= 400 && status < 500 && ![408, 425, 429].includes(status)
  if (forGood && word !== undefined && word !== 'temporarily_unavailable')
    return new Failure('target_refused', { reason })
  return new Failure('provider_unavailable', { reason, retryAfter })
}

/** Seconds that clocks may differ before a refusal is laid to that. */
const usualSkew = 30

/**
 * A refusal that is also what a wrong clock looks like: where the clocks differ that is said, and it may pass. `now`:
 * ours, seconds since 1970.
 */
export function orClock(failure: Failure, { date }: Reply, now: number): Failure {
  const skew = Math.abs((date ?? now) - now)
  if (failure.code !== 'target_refused' || skew <= usualSkew) return failure
  const reason = `${failure.reason}; its clock and ours differ by ${Math.round(skew)} s`
  return new Failure('provider_unavailable', { reason })
}

/** What was given is not what the provider documents. */
export function noAnswer({ who }: Pick<Reply, 'who'>): Failure {
  return unavailable(`${who} gives an answer that is none`)
}

/** A member of a JSON object; `undefined` when there is none. */
export function member(json: unknown, name: string): unknown {
  if (typeof json !== 'object' || json === null || !Object.hasOwn(json, name)) return undefined
  return (json as Readonly<Record<string, unknown>>)[name]
}

/** A text that matches; `undefined` when it is none. */
export function textLike(value: unknown, form: RegExp): string | undefined {
  return typeof value === 'string' && form.test(value) ? value : undefined
}

/** What may stand in `Authorization: Bearer`, RFC 6750 2.1. */
export const bearerToken = /^[A-Za-z0-9._~+/-]{16,16384}=*$/

function unavailable(reason: string): Failure {
  return new Failure('provider_unavailable', { reason })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Seconds of a `Retry-After`, at most an hour (RFC 9110 10.2.3); a date is not looked at. */
export function pauseOf(header: unknown): number | undefined {
  if (typeof header !== 'string' || !/^[0-9]{1,9}$/.test(header)) return undefined
  return Math.min(longestPause, Math.max(1, Number(header)))
}
