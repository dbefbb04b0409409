import { request as plainRequest } from 'node:http'
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
  /** `undefined`: it was no JSON. */
  readonly json: unknown
  readonly retryAfter: number | undefined
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
    const { status, retryAfter, text } = await exchanged(question)
    return { who, status, json: jsonOf(text), retryAfter: pauseOf(retryAfter) }
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    throw new Failure('provider_unavailable', { reason: `${who} does not answer`, cause })
  }
}

interface Raw {
  readonly status: number
  readonly retryAfter: string | undefined
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
        resolve({ status, retryAfter: said['retry-after'], text: Buffer.concat(pieces).toString('utf8') })
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

function pauseOf(header: string | undefined): number | undefined {
  if (header === undefined || !/^[0-9]{1,9}$/.test(header)) return undefined
  return Math.min(longestPause, Math.max(1, Number(header)))
}
