import { constants, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { Failure } from '../../../base/failure.ts'
import type { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'

export type AssertionAlgorithm = 'RS256' | 'RS384' | 'PS256'

export interface AssertionParts {
  /** For messages: the name of the connection. */
  readonly name: string
  readonly clientId: string
  readonly privateKey: Secret
  readonly keyId?: string | undefined
  readonly algorithm: AssertionAlgorithm
  /** Who reads it: the tenant's URL with a slash at its end, as Auth0 compares it. */
  readonly audience: string
  readonly tools: Pick<Tools, 'now' | 'randomBytes'>
}

/** Auth0 takes 5 minutes at most; it is used once and at once. */
const lifetime = 60

/**
 * Says who the client is (RFC 7523 3, `private_key_jwt`): each call another `jti`, because Auth0 takes each once.
 * Throws `Failure('internal')` at once when the key cannot be read; never says anything of it.
 */
export function openAssertions(parts: AssertionParts): () => string {
  const key = keyOf(parts.privateKey, parts.name)
  const head = encode({
    alg: parts.algorithm,
    typ: 'JWT',
    ...(parts.keyId === undefined ? {} : { kid: parts.keyId }),
  })
  return () => {
    const now = Math.floor(parts.tools.now() / 1000)
    const claims = {
      iss: parts.clientId,
      sub: parts.clientId,
      aud: parts.audience,
      iat: now,
      exp: now + lifetime,
      jti: Buffer.from(parts.tools.randomBytes(16)).toString('base64url'),
    }
    const input = `${head}.${encode(claims)}`
    return `${input}.${signed(parts.algorithm, key, input).toString('base64url')}`
  }
}

/** RFC 7518 3.3 and 3.5: the salt of PS256 is as long as its hash. */
function signed(algorithm: AssertionAlgorithm, key: KeyObject, input: string): Buffer {
  const bytes = Buffer.from(input)
  if (algorithm !== 'PS256') return sign(algorithm === 'RS256' ? 'sha256' : 'sha384', bytes, key)
  return sign('sha256', bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
}

function keyOf(secret: Secret, name: string): KeyObject {
  try {
    // One line with \n in it is how many a platform keeps a PEM in an environment variable.
    const key = createPrivateKey(secret.reveal().replaceAll('\\n', '\n'))
    if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return key
  } catch {
    // The message of OpenSSL is not for the log.
  }
  const detail = `connections.auth0.${name}.private_key is not an RSA key of 2048 bits or more, in PEM`
  throw new Failure('internal', { detail })
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
