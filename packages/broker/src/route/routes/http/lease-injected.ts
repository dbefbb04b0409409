/** What the lease itself made at the upstream, put into each request of its holder: a token of GitHub, a signature of AWS. */
import type { IncomingMessage } from 'node:http'
import type { Json } from '../../../base/canonical-json.ts'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import {
  type AwsKey,
  amzDate,
  authorizationOf,
  type Canonical,
  canonicalPath,
  canonicalQuery,
  payloadHash,
} from '../../../base/sigv4.ts'
import type { Admitted } from '../../route.ts'
import type { Asked } from './asked.ts'
import { hasBody, pairs, valuesOf } from './fields.ts'
import type { Injected, InjectedAt } from './injected.ts'
import type { Running } from './running.ts'

/** `undefined`: the route puts in nothing of the lease. Throws where the lease is over, or made nothing that would do. */
export async function injectedByLease(
  { settings: { inject }, gate, tools }: Running,
  admitted: Admitted,
  request: IncomingMessage,
  asked: Asked,
  body: Buffer | undefined,
): Promise<InjectedAt | undefined> {
  if (inject === undefined || !('github_app' in inject || 'aws_sigv4' in inject)) return undefined
  const made = await gate.upstream(admitted)
  if ('github_app' in inject) {
    const token = text(made, 'made', 'token')
    return () => ({ fields: ['Authorization', `Bearer ${token}`], hides: () => false })
  }
  const { service, region = text(made, 'region') } = inject.aws_sigv4
  const key = {
    id: text(made, 'keys', 'id'),
    secret: new Secret(text(made, 'keys', 'secret')),
    sessionToken: new Secret(text(made, 'keys', 'session')),
  }
  const now = tools.now()
  const place = { service, region }
  const said = { ...canonicalOf(asked, service), payload: payloadOf(request, body, service) }
  return (origin) => signedBy(key, place, origin, request, said, now)
}

/** Only S3 takes a body that was not looked at; of every other service the route has read it. */
export function mustRead({ settings: { inject } }: Running, { rawHeaders }: IncomingMessage): boolean {
  const isSigned = inject !== undefined && 'aws_sigv4' in inject && inject.aws_sigv4.service !== 's3'
  return isSigned && hasBody(rawHeaders)
}

const own = new Set(['x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256', 'x-amz-signature'])

function signedBy(
  key: AwsKey,
  place: { readonly region: string; readonly service: string },
  origin: URL,
  { method = 'GET', rawHeaders }: IncomingMessage,
  said: Pick<Canonical, 'path' | 'query' | 'payload'>,
  now: number,
): Injected {
  const headers: Record<string, string> = {}
  for (const [name, value] of pairs(rawHeaders)) {
    const lower = name.toLowerCase()
    if (!lower.startsWith('x-amz-') || own.has(lower)) continue
    headers[lower] = headers[lower] === undefined ? value : `${headers[lower]},${value}`
  }
  const ours = {
    'x-amz-date': amzDate(now),
    'x-amz-content-sha256': said.payload,
    'x-amz-security-token': key.sessionToken?.reveal() ?? '',
  }
  const request = {
    ...{ method, ...said },
    headers: { ...headers, ...ours, host: origin.host },
  }
  const authorization = authorizationOf(request, key, place)
  return {
    fields: ['Authorization', authorization, ...Object.entries(ours).flat()],
    hides: (name) => own.has(name),
  }
}

/** Before anything is sent: what cannot be signed is no fault of the upstream. */
function canonicalOf({ path, query }: Asked, service: string): Pick<Canonical, 'path' | 'query'> {
  try {
    return { path: canonicalPath(path, service), query: canonicalQuery(query) }
  } catch (cause) {
    throw new Failure('request_malformed', { detail: 'The path or the query is not UTF-8.', cause })
  }
}

const unsignedChunks = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'

/** S3 reads a body in chunks as its sender announced it: what is signed must not say otherwise. */
function payloadOf({ rawHeaders }: IncomingMessage, body: Buffer | undefined, service: string): string {
  const [announced = ''] = valuesOf(rawHeaders, 'x-amz-content-sha256')
  const isStreaming = body === undefined && hasBody(rawHeaders)
  if (!announced.startsWith('STREAMING-')) return isStreaming ? 'UNSIGNED-PAYLOAD' : payloadHash(body ?? '')
  if (isStreaming && service === 's3' && announced === unsignedChunks) return announced
  throw new Failure('request_malformed', {
    detail: 'A body whose chunks the caller signed cannot be signed anew.',
  })
}

/** A member of what the lease made. */
function text(made: Json, ...path: readonly string[]): string {
  const found = path.reduce<Json | undefined>(
    (value, name) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? (value as { readonly [name: string]: Json | undefined })[name]
        : undefined,
    made,
  )
  if (typeof found === 'string') return found
  throw new Failure('internal', { reason: 'the lease made nothing that the route could put in' })
}
