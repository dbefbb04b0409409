/** What is looked at before anything is forwarded: a body that the policy speaks of, and a call that it holds. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Json } from '../../../base/canonical-json.ts'
import { asFailure, Failure } from '../../../base/failure.ts'
import type { Problem } from '../../bearer-error.ts'
import type { Admitted } from '../../route.ts'
import type { Asked } from './asked.ts'
import { hasBody } from './fields.ts'
import { readBytes, readJsonBody } from './json-body.ts'
import { mustRead } from './lease-injected.ts'
import type { Running } from './running.ts'
import { refusalOf } from './saying-no.ts'

/** The caller's side: when it closes nobody waits any more. */
interface Side {
  once(event: 'close', heard: () => void): unknown
  off(event: 'close', heard: () => void): unknown
}

/** The body as it will be forwarded, where it had to be read; a refusal where the policy or somebody says no. */
export async function wanted(
  running: Running,
  request: IncomingMessage,
  side: Side,
  asked: Asked,
  admitted: Admitted,
): Promise<Buffer | Problem | undefined> {
  let bytes: Buffer | undefined
  try {
    let { held = false } = admitted
    if (admitted.body !== undefined)
      held = await admitted.body(async () => {
        const read = await readJsonBody(request)
        bytes = read.bytes
        return read.json
      })
    if (mustRead(running, request)) bytes ??= await readForSignature(running, request, asked, admitted)
    if (!held) return bytes
    const show = async () => {
      bytes ??= hasBody(request.rawHeaders) ? await readBytes(request) : undefined
      return shown(request, asked, bytes)
    }
    const { name: route, target } = running.settings
    const { path, query, overrides } = asked
    const method = request.method ?? ''
    const ask = { route, target, action: `${method} ${path}`, request: { method, path, query, overrides } }
    await whileOpen(request, side, (signal) => running.gate.approve(admitted, ask, show, signal))
    return bytes
  } catch (thrown) {
    return refusalOf(running, thrown)
  }
}

/** What cannot be read is in the log. */
async function readForSignature(
  { gate, settings: { name: route, target } }: Running,
  request: IncomingMessage,
  { path }: Asked,
  admitted: Admitted,
): Promise<Buffer> {
  try {
    return await readBytes(request)
  } catch (thrown) {
    throw await gate.refuse(
      admitted,
      { route, target, action: `${request.method} ${path}` },
      asFailure(thrown),
    )
  }
}

/** Waiting is no idleness: nobody is cut for it. */
async function whileOpen(
  request: IncomingMessage,
  side: Side,
  wait: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const left = new AbortController()
  const leave = () => left.abort(new Failure('request_malformed', { reason: 'the caller left' }))
  side.once('close', leave)
  const { timeout = 0 } = request.socket
  request.setTimeout(0)
  try {
    await wait(left.signal)
  } finally {
    side.off('close', leave)
    request.setTimeout(timeout)
  }
}

/** Who approves sees what will be sent: JSON as it is, anything else by its hash. */
function shown({ method = '', rawHeaders }: IncomingMessage, { path, query }: Asked, bytes?: Buffer): Json {
  if (bytes === undefined) return { method, path, query }
  const type =
    rawHeaders.find((_, at, all) => at % 2 === 1 && all[at - 1]?.toLowerCase() === 'content-type') ?? ''
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const json = /^application\/json\b/i.test(type) && bytes.length <= mostShown ? jsonIn(bytes) : undefined
  const body = { type, bytes: bytes.length, sha256, ...(json === undefined ? {} : { json }) }
  return { method, path, query, body }
}

const mostShown = 32_768

function jsonIn(bytes: Buffer): Json | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json
  } catch {
    return undefined
  }
}
