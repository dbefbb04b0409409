/**
 * A stand-in for AWS STS on loopback: query protocol, XML answers, Signature Version 4 checked as AWS documents it,
 * web identity tokens checked against their issuer's keys. Keys that it gave out may call GetCallerIdentity.
 */
import { type KeyObject, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtVerify } from 'jose'
import { checkSignature } from './aws-signature.ts'

export interface StsOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly region: string
  readonly roles: readonly string[]
  /** Long-lived keys that may assume roles: id to secret. */
  readonly users?: Readonly<Record<string, string>>
  /** The provider that IAM trusts: its issuer, and its public key by kid. */
  readonly provider?: { readonly issuer: string; readonly key: (kid: string) => KeyObject | undefined }
}

export interface StsFake {
  readonly url: string
  /** Forms of the sessions that were given, newest last. */
  readonly sessions: readonly Readonly<Record<string, string>>[]
  /** Claims of the web identity tokens that were accepted. */
  readonly tokens: readonly Readonly<Record<string, unknown>>[]
  /** Keys that it gave out. */
  keysOf(id: string): { readonly secret: string; readonly session: string } | undefined
  /** The next answer, whatever is asked. */
  answerNext(status: number, body: string): void
  /** Takes requests and never answers, until the test ends. */
  hang(): void
}

interface Session {
  readonly secret: string
  readonly token: string
  readonly arn: string
  readonly until: number
}

/** `t`: a test's context, or `node:test` itself for a whole file. */
export async function stsFor(t: { after(run: () => void): void }, options: StsOptions): Promise<StsFake> {
  const sts = new Sts(options)
  const server = createServer((request, response) => void sts.take(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    sessions: sts.forms,
    tokens: sts.tokens,
    keysOf: (id) => sts.keysOf(id),
    answerNext: (status, body) => void sts.planned.push({ status, body }),
    hang: () => {
      sts.hanging = true
    },
  }
}

class Refused extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

class Sts {
  readonly #options: StsOptions
  readonly #given = new Map<string, Session>()

  keysOf(id: string): { secret: string; session: string } | undefined {
    const found = this.#given.get(id)
    return found && { secret: found.secret, session: found.token }
  }

  readonly forms: Readonly<Record<string, string>>[] = []
  readonly tokens: Readonly<Record<string, unknown>>[] = []
  readonly planned: { status: number; body: string }[] = []
  hanging = false

  constructor(options: StsOptions) {
    this.#options = options
  }

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    if (this.hanging) return
    const said = this.planned.shift()
    if (said !== undefined) {
      response.writeHead(said.status, { 'content-type': 'text/xml' }).end(said.body)
      return
    }
    try {
      const text = await this.#answer(request, body)
      response.writeHead(200, { 'content-type': 'text/xml' }).end(text)
    } catch (thrown) {
      const { status, code } = thrown instanceof Refused ? thrown : new Refused(500, 'InternalFailure')
      const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>no: ${body.slice(0, 40)}</Message></Error>`
      response
        .writeHead(status, { 'content-type': 'text/xml' })
        .end(`<ErrorResponse>${error}</ErrorResponse>`)
    }
  }

  async #answer(request: IncomingMessage, body: string): Promise<string> {
    if (request.method !== 'POST' || request.url !== '/') throw new Refused(404, 'InvalidAction')
    const form = Object.fromEntries(new URLSearchParams(body))
    if (form['Version'] !== '2011-06-15') throw new Refused(400, 'MissingParameter')
    if (form['Action'] === 'GetCallerIdentity') return identity(this.#session(request, body).arn)
    if (form['Action'] === 'AssumeRole') this.#user(request, body)
    else if (form['Action'] === 'AssumeRoleWithWebIdentity') await this.#token(form)
    else throw new Refused(400, 'InvalidAction')
    return this.#give(form)
  }

  #give(form: Readonly<Record<string, string>>): string {
    const role = form['RoleArn'] ?? ''
    const seconds = Number(form['DurationSeconds'])
    if (!this.#options.roles.includes(role)) throw new Refused(403, 'AccessDenied')
    if (!(seconds >= 900 && seconds <= 43_200)) throw new Refused(400, 'ValidationError')
    if (!/^[\w+=,.@-]{2,64}$/.test(form['RoleSessionName'] ?? '')) throw new Refused(400, 'ValidationError')
    if ((form['Policy'] ?? '{}').length > 2048) throw new Refused(400, 'PackedPolicyTooLarge')
    const id = `ASIA${randomBytes(8).toString('hex').toUpperCase()}`
    const session = {
      secret: randomBytes(30).toString('base64'),
      token: randomBytes(96).toString('base64'),
      arn: `${role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/${form['RoleSessionName']}`,
      until: this.#options.now() + seconds * 1000,
    }
    this.#given.set(id, session)
    this.forms.push(form)
    const action = form['Action']
    const credentials = `<Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${session.secret}</SecretAccessKey>
      <SessionToken>${session.token}</SessionToken><Expiration>${new Date(session.until).toISOString()}</Expiration></Credentials>`
    return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${credentials}</${action}Result></${action}Response>`
  }

  #user(request: IncomingMessage, body: string): void {
    this.#signature(request, body, (id) => {
      const users = this.#options.users ?? {}
      return Object.hasOwn(users, id) ? users[id] : undefined
    })
  }

  #session(request: IncomingMessage, body: string): Session {
    const id = this.#signature(request, body, (given) => this.#given.get(given)?.secret)
    const session = this.#given.get(id)
    if (session === undefined || request.headers['x-amz-security-token'] !== session.token)
      throw new Refused(403, 'InvalidClientTokenId')
    if (this.#options.now() > session.until) throw new Refused(403, 'ExpiredToken')
    return session
  }

  /** Answers with the key's id. */
  #signature(request: IncomingMessage, body: string, secretOf: (id: string) => string | undefined): string {
    const { now, region } = this.#options
    const checked = checkSignature(request, body, { service: 'sts', region, now, secretOf })
    if ('id' in checked) return checked.id
    throw new Refused(403, checked.fault === 'unknown key' ? 'InvalidClientTokenId' : 'SignatureDoesNotMatch')
  }

  async #token(form: Readonly<Record<string, string>>): Promise<void> {
    const { provider, now } = this.#options
    const keyOf = ({ kid = '' }: { kid?: string }) => {
      const key = provider?.key(kid)
      if (key === undefined) throw new Refused(400, 'InvalidIdentityToken')
      return key
    }
    const { payload } = await jwtVerify(form['WebIdentityToken'] ?? '', keyOf, {
      issuer: provider?.issuer ?? '',
      audience: 'sts.amazonaws.com',
      algorithms: ['RS256'],
      currentDate: new Date(now()),
    }).catch(() => {
      throw new Refused(400, 'InvalidIdentityToken')
    })
    const roles = payload['https://aws.amazon.com/roles']
    if (!Array.isArray(roles) || !roles.includes(form['RoleArn'])) throw new Refused(403, 'AccessDenied')
    if ('azp' in payload || Object.keys(form).some((name) => name.startsWith('Tags.')))
      throw new Refused(400, 'InvalidIdentityToken')
    this.tokens.push(payload)
  }
}

function identity(arn: string): string {
  const [, , , , account = ''] = arn.split(':')
  const result = `<Arn>${arn}</Arn><UserId>AROAEXAMPLE</UserId><Account>${account}</Account>`
  return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>${result}</GetCallerIdentityResult></GetCallerIdentityResponse>`
}
