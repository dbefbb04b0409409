import { X509Certificate } from 'node:crypto'
import { Failure } from '../../../base/failure.ts'
import type { Secret } from '../../../base/secret.ts'
import { ask, bearerToken, member, noAnswer, type Reply, refusal, textLike } from '../../ask.ts'

/** One connection `kubernetes.NAME`, with its secrets in place. */
export interface KubernetesConnection {
  readonly server: string
  readonly ca?: Secret | undefined
  readonly token: Secret
}

/** What a token is bound to, and what it is asked for. */
export interface TokenWish {
  readonly namespace: string
  readonly serviceAccount: string
  readonly audiences: readonly string[]
  readonly seconds: number
  readonly secret: { readonly name: string; readonly uid: string }
}

export interface Cluster {
  readonly server: string
  /** Makes an empty Secret; answers with its uid. */
  makeSecret(namespace: string, name: string): Promise<string>
  /** A TokenRequest, bound to the Secret. `until`: seconds since 1970. */
  makeToken(wish: TokenWish): Promise<{ readonly token: string; readonly until: number }>
  /** Resolves when the Secret is certainly not there. */
  deleteSecret(namespace: string, name: string): Promise<void>
}

interface Limits {
  readonly milliseconds: number
  readonly signal: AbortSignal
}

const who = 'Kubernetes'
const uidForm = /^[A-Za-z0-9-]{1,128}$/

/** Throws `Failure('internal')` when what the connection refers to is no token, or no certificate. */
export function openCluster(name: string, connection: KubernetesConnection, limits: Limits): Cluster {
  const { server } = connection
  const [token, ca] = [connection.token.reveal(), connection.ca?.reveal()]
  if (!bearerToken.test(token)) throw broken(name, 'token', 'no bearer token')
  if (ca !== undefined && !isCertificate(ca)) throw broken(name, 'ca', 'no certificate as PEM')
  const call = (method: 'POST' | 'DELETE', path: string, body?: object): Promise<Reply> =>
    ask({
      ...limits,
      who,
      ca,
      url: server + path,
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return {
    server,
    async makeSecret(namespace, secret) {
      const reply = await call('POST', secretsOf(namespace), emptySecret(secret))
      if (reply.status !== 201) throw refusal(reply, reasonIn(reply.json))
      const uid = textLike(member(member(reply.json, 'metadata'), 'uid'), uidForm)
      if (uid === undefined) throw noAnswer(reply)
      return uid
    },
    async makeToken(wish) {
      const path = `/api/v1/namespaces/${wish.namespace}/serviceaccounts/${wish.serviceAccount}/token`
      return tokenIn(await call('POST', path, tokenRequest(wish)), wish.secret.uid)
    },
    async deleteSecret(namespace, secret) {
      const path = `${secretsOf(namespace)}/${secret}`
      const reply = await call('DELETE', path)
      // Only the API server's own words say that it is gone: a proxy before it also answers 404.
      const gone = reply.status === 404 && reasonIn(reply.json) === 'NotFound'
      const kind = member(reply.json, 'kind')
      if (gone || (reply.status === 200 && (kind === 'Status' || kind === 'Secret'))) return
      const { reason, retryAfter } = refusal(reply, reasonIn(reply.json))
      throw new Failure('provider_unavailable', { reason, retryAfter })
    },
  }
}

const secretsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`

/** It holds nothing: a token that is bound to it works as long as it is there. */
function emptySecret(name: string): object {
  const labels = { 'app.kubernetes.io/managed-by': 'mayfly' }
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels }, type: 'Opaque', immutable: true }
}

function tokenRequest({ audiences, seconds, secret }: TokenWish): object {
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences,
      expirationSeconds: seconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Secret', ...secret },
    },
  }
}

function tokenIn(reply: Reply, uid: string) {
  const { status, json } = reply
  if (status !== 201) throw refusal(reply, reasonIn(json))
  const answer = member(json, 'status')
  const token = textLike(member(answer, 'token'), bearerToken)
  const time = textLike(member(answer, 'expirationTimestamp'), /^\d{4}-\d\d-\d\dT[\d:.]{8,20}Z$/)
  const until = Math.floor(Date.parse(time ?? '') / 1000)
  if (token === undefined || !Number.isFinite(until)) throw noAnswer(reply)
  // A token that is not bound could not be taken back.
  if (member(member(member(json, 'spec'), 'boundObjectRef'), 'uid') !== uid) {
    throw new Failure('provider_unavailable', { reason: `${who} gives a token that is not bound` })
  }
  return { token, until }
}

/** `metav1.Status`: one word. Its message may repeat what we sent. */
function reasonIn(json: unknown): string | undefined {
  return member(json, 'kind') === 'Status' ? textLike(member(json, 'reason'), /^[A-Za-z]{1,64}$/) : undefined
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    return false
  }
}

function broken(name: string, key: string, what: string): Failure {
  return new Failure('internal', { detail: `connections.kubernetes.${name}.${key} is ${what}` })
}
