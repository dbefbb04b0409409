/**
 * A stand-in for the API server of Kubernetes on loopback, by TLS: Secrets, TokenRequest and SelfSubjectReview of a
 * few namespaces. Bound tokens work as long as their Secret is there, as Kubernetes documents it.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { selfSigned } from './certificate.ts'

export interface KubernetesOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** The bearer token of whoever may make secrets and tokens. */
  readonly broker: string
  /** `namespace/name` of the service accounts that are there, and whose tokens may be made. */
  readonly accounts: readonly string[]
}

type Step = 'secret' | 'token' | 'delete'

export interface KubernetesFake {
  readonly url: string
  /** PEM of the authority of its certificate. */
  readonly ca: string
  /** `namespace/name` of the secrets that are there now. */
  readonly secrets: () => readonly string[]
  /** Specifications of the tokens that were made. */
  readonly requests: readonly TokenSpec[]
  /** Who an unexpired token is for, whose Secret is there: `system:serviceaccount:NAMESPACE:NAME`. */
  userOf(token: string): string | undefined
  /** The next answer at a step; `done`: after it was done. */
  answerNext(
    step: Step,
    status: number,
    body: string,
    more?: { done?: boolean; headers?: Readonly<Record<string, string>> },
  ): void
  /** At this step takes requests, does what they ask when `done`, and never answers. */
  hang(step: Step, done: boolean): void
}

export interface TokenSpec {
  readonly audiences?: readonly string[]
  readonly expirationSeconds?: number
  readonly boundObjectRef?: Readonly<Record<string, string>>
}

interface Planned {
  readonly step: Step
  readonly status: number
  readonly body: string
  readonly done: boolean
  readonly headers: Readonly<Record<string, string>>
}

interface Answer {
  readonly status: number
  readonly body: object
}

const refused = (code: number, reason: string): Answer => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: `no: ${reason}`, reason, code },
})

/** `t`: a test's context, or `node:test` itself for a whole file. */
export async function kubernetesFor(
  t: { after(run: () => void): void },
  options: KubernetesOptions,
): Promise<KubernetesFake> {
  const fake = new Kubernetes(options)
  const { key, cert } = selfSigned('127.0.0.1')
  const server = createServer({ key, cert }, (request, response) => void fake.take(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}`,
    ca: cert,
    secrets: () => [...fake.secrets.keys()],
    requests: fake.requests,
    userOf: (token) => fake.userOf(token),
    answerNext: (step, status, body, { done = false, headers = {} } = {}) =>
      void fake.planned.push({ step, status, body, done, headers }),
    hang: (step, done) => void fake.hanging.set(step, done),
  }
}

class Kubernetes {
  readonly #options: KubernetesOptions
  readonly #tokens = new Map<string, { user: string; until: number; secret: string; uid: string }>()
  /** `namespace/name` to uid. */
  readonly secrets = new Map<string, string>()
  readonly requests: TokenSpec[] = []
  readonly planned: Planned[] = []
  readonly hanging = new Map<Step, boolean>()

  constructor(options: KubernetesOptions) {
    this.#options = options
  }

  userOf(token: string): string | undefined {
    const found = this.#tokens.get(token)
    if (found === undefined || this.#options.now() >= found.until) return undefined
    return found.secret === '' || this.secrets.get(found.secret) === found.uid ? found.user : undefined
  }

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const step = stepOf(request)
    const hangs = this.hanging.get(step)
    if (hangs === true) this.#answer(request, body)
    if (hangs !== undefined) return
    const at = this.planned.findIndex((each) => each.step === step)
    const [said] = at < 0 ? [] : this.planned.splice(at, 1)
    if (said !== undefined) {
      if (said.done) this.#answer(request, body)
      response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers }).end(said.body)
      return
    }
    const answer = this.#answer(request, body)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  }

  #answer(request: IncomingMessage, body: string): Answer {
    const { method, url = '' } = request
    const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (method === 'POST' && url === '/apis/authentication.k8s.io/v1/selfsubjectreviews')
      return this.#review(bearer)
    if (bearer !== this.#options.broker) return refused(401, 'Unauthorized')
    const [, namespace = '', rest = ''] = /^\/api\/v1\/namespaces\/([a-z0-9-]+)\/(.+)$/.exec(url) ?? []
    const known = this.#options.accounts.some((account) => account.startsWith(`${namespace}/`))
    if (!known) return refused(403, 'Forbidden')
    const [, account] = /^serviceaccounts\/([a-z0-9.-]+)\/token$/.exec(rest) ?? []
    if (method === 'POST' && account !== undefined) return this.#token(namespace, account, body)
    if (method === 'POST' && rest === 'secrets') return this.#secret(namespace, body)
    const [, secret] = /^secrets\/([a-z0-9.-]+)$/.exec(rest) ?? []
    if (method !== 'DELETE' || secret === undefined) return refused(405, 'MethodNotAllowed')
    if (!this.secrets.delete(`${namespace}/${secret}`)) return refused(404, 'NotFound')
    return { status: 200, body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } }
  }

  /** Who the caller is, for everybody who is somebody. */
  #review(bearer: string): Answer {
    const username = this.userOf(bearer)
    if (username === undefined) return refused(401, 'Unauthorized')
    const kind = { kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1' }
    return { status: 201, body: { ...kind, metadata: {}, status: { userInfo: { username } } } }
  }

  #secret(namespace: string, body: string): Answer {
    const secret = JSON.parse(body) as { kind?: string; metadata?: { name?: string } }
    const name = secret.metadata?.name ?? ''
    if (secret.kind !== 'Secret') return refused(400, 'BadRequest')
    if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name)) return refused(422, 'Invalid')
    if (this.secrets.has(`${namespace}/${name}`)) return refused(409, 'AlreadyExists')
    const uid = randomUUID()
    this.secrets.set(`${namespace}/${name}`, uid)
    return { status: 201, body: { ...secret, metadata: { ...secret.metadata, namespace, uid } } }
  }

  #token(namespace: string, account: string, body: string): Answer {
    const { kind, spec = {} } = JSON.parse(body) as { kind?: string; spec?: TokenSpec }
    const { expirationSeconds: seconds = 3600, boundObjectRef: bound } = spec
    if (kind !== 'TokenRequest') return refused(400, 'BadRequest')
    if (!this.#options.accounts.includes(`${namespace}/${account}`)) return refused(404, 'NotFound')
    if (!(seconds >= 600 && seconds <= 2 ** 32)) return refused(422, 'Invalid')
    const secret = bound === undefined ? '' : `${namespace}/${bound['name']}`
    const uid = bound?.['uid'] ?? ''
    if (bound !== undefined && (bound['kind'] !== 'Secret' || bound['apiVersion'] !== 'v1'))
      return refused(422, 'Invalid')
    if (secret !== '' && !this.secrets.has(secret)) return refused(404, 'NotFound')
    if (secret !== '' && this.secrets.get(secret) !== uid) return refused(409, 'Conflict')
    this.requests.push(spec)
    const until = this.#options.now() + seconds * 1000
    const token = `eyJ0.${randomBytes(200).toString('base64url')}.${randomBytes(64).toString('base64url')}`
    this.#tokens.set(token, { user: `system:serviceaccount:${namespace}:${account}`, until, secret, uid })
    const expirationTimestamp = new Date(until).toISOString().replace(/\.\d{3}/, '')
    return { status: 201, body: { kind, spec, status: { token, expirationTimestamp } } }
  }
}

function stepOf({ method, url = '' }: IncomingMessage): Step {
  if (method === 'DELETE') return 'delete'
  return url.endsWith('/token') ? 'token' : 'secret'
}
