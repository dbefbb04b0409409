/**
 * A stand-in for AWS KMS on loopback: JSON 1.1, Signature Version 4 checked, symmetric keys with encryption context. Its
 * refusals carry the codes of AWS, and repeat a piece of the request, as those of AWS may.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { checkSignature } from './aws-signature.ts'

export interface KmsOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly region: string
  /** Access keys: id to secret. */
  readonly users: Readonly<Record<string, string>>
  /** Ids of the keys that it has. */
  readonly keys: readonly string[]
}

export interface KmsFake {
  readonly url: string
  /** What was asked and answered well, newest last: the action, and the content of the request. */
  readonly asked: readonly { readonly action: string; readonly content: Content }[]
  /** Bodies of all requests, as they came. */
  readonly bodies: readonly string[]
  /** The next request gets this answer whatever it asks; `cut`: half of it, then the connection breaks. */
  answerNext(status: number, body: string, cut?: 'cut'): void
  /** Refuses to use a key, or uses it again. */
  disable(keyId: string, disabled: boolean): void
  /** Takes requests and never answers, until the test ends. */
  hang(): void
}

interface Content {
  readonly KeyId?: string
  readonly Plaintext?: string
  readonly CiphertextBlob?: string
  readonly EncryptionContext?: Readonly<Record<string, string>>
}

class Refused extends Error {}

/** Opens the stand-in until the end of a test. */
export async function kmsFor(t: { after(run: () => void): void }, options: KmsOptions): Promise<KmsFake> {
  const kms = new Kms(options)
  const server = createServer((request, response) => void kms.take(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked: kms.asked,
    bodies: kms.bodies,
    answerNext: (status, body, cut) => void kms.planned.push({ status, body, cut: cut === 'cut' }),
    disable: (keyId, disabled) => void (disabled ? kms.disabled.add(keyId) : kms.disabled.delete(keyId)),
    hang: () => {
      kms.hanging = true
    },
  }
}

class Kms {
  readonly #options: KmsOptions
  readonly #keys: ReadonlyMap<string, Buffer>
  readonly asked: { action: string; content: Content }[] = []
  readonly bodies: string[] = []
  readonly planned: { status: number; body: string; cut: boolean }[] = []
  readonly disabled = new Set<string>()
  hanging = false

  constructor(options: KmsOptions) {
    this.#options = options
    this.#keys = new Map(options.keys.map((id) => [id, randomBytes(32)]))
  }

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    this.bodies.push(body)
    if (this.hanging) return
    const headers = { 'content-type': 'application/x-amz-json-1.1' }
    const said = this.planned.shift()
    if (said !== undefined) {
      response.writeHead(said.status, { ...headers, 'content-length': Buffer.byteLength(said.body) })
      if (!said.cut) response.end(said.body)
      else response.write(said.body.slice(0, said.body.length / 2), () => response.destroy())
      return
    }
    try {
      const answer = JSON.stringify(this.#answer(request, body))
      response.writeHead(200, headers).end(answer)
    } catch (thrown) {
      const __type = thrown instanceof Refused ? thrown.message : 'KMSInternalException'
      const status = thrown instanceof Refused ? 400 : 500
      response
        .writeHead(status, headers)
        .end(JSON.stringify({ __type, message: `no: ${body.slice(0, 200)}` }))
    }
  }

  #answer(request: IncomingMessage, body: string): object {
    const { now, region, users } = this.#options
    const secretOf = (id: string) => (Object.hasOwn(users, id) ? users[id] : undefined)
    const checked = checkSignature(request, body, { service: 'kms', region, now, secretOf })
    if ('fault' in checked)
      throw new Refused(
        checked.fault === 'unknown key' ? 'UnrecognizedClientException' : 'InvalidSignatureException',
      )
    if (request.headers['content-type'] !== 'application/x-amz-json-1.1')
      throw new Refused('SerializationException')
    const action = /^TrentService\.(Encrypt|Decrypt)$/.exec(String(request.headers['x-amz-target']))?.[1]
    if (action === undefined) throw new Refused('UnknownOperationException')
    const content = JSON.parse(body) as Content
    const answer = action === 'Encrypt' ? this.#encrypt(content) : this.#decrypt(content)
    this.asked.push({ action, content })
    return { ...answer, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }
  }

  #encrypt(content: Content): object {
    const { id, key, arn } = this.#key(content)
    const plain = Buffer.from(content.Plaintext ?? '', 'base64')
    if (plain.length === 0 || plain.length > 4096) throw new Refused('ValidationException')
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(contextOf(content))
    const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    return { KeyId: arn, CiphertextBlob: Buffer.concat([Buffer.from(id), sealed]).toString('base64') }
  }

  #decrypt(content: Content): object {
    const blob = Buffer.from(content.CiphertextBlob ?? '', 'base64')
    const wrappedBy = [...this.#keys.keys()].find((id) => blob.toString('latin1').startsWith(id))
    if (wrappedBy === undefined || blob.length < wrappedBy.length + 28)
      throw new Refused('InvalidCiphertextException')
    const { id, key, arn } = this.#key({ KeyId: wrappedBy, ...content })
    if (id !== wrappedBy) throw new Refused('IncorrectKeyException')
    const sealed = blob.subarray(id.length)
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 })
    decipher.setAAD(contextOf(content)).setAuthTag(sealed.subarray(-16))
    try {
      const plain = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
      return { KeyId: arn, Plaintext: plain.toString('base64') }
    } catch {
      throw new Refused('InvalidCiphertextException')
    }
  }

  #key({ KeyId: given = '' }: Content) {
    const id = given.slice(given.lastIndexOf('/') + 1)
    const key = this.#keys.get(id)
    const arn = `arn:aws:kms:${this.#options.region}:111122223333:key/${id}`
    if (key === undefined || ![id, arn].includes(given)) throw new Refused('NotFoundException')
    if (this.disabled.has(id)) throw new Refused('DisabledException')
    return { id, key, arn }
  }
}

/** The order of its members means nothing. */
function contextOf({ EncryptionContext: context = {} }: Content): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).sort()))
}
