import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { Failure } from '../../../base/failure.ts'
import type { Secret } from '../../../base/secret.ts'

/** GitHub refuses more than 10 minutes, counted by its own clock; ours may be a minute ahead of it. */
const seconds = 540
/** Backdated, as GitHub asks for: its clock may be behind ours. */
const slack = 60
/** One signature serves for a while. */
const reuse = 240

/**
 * Says who the app is: a JWT signed with its key (RS256), good for some minutes. Throws `Failure('internal')` when the
 * key cannot be read; never says anything of it.
 */
export function openAppToken(
  connection: { readonly app_id: string; readonly private_key: Secret },
  name: string,
): (now: number) => string {
  const key = keyOf(connection.private_key, name)
  let kept: { readonly token: string; readonly at: number } | undefined
  return (now) => {
    if (kept !== undefined && now >= kept.at && now < kept.at + reuse) return kept.token
    const claims = { iat: now - slack, exp: now + seconds - slack, iss: connection.app_id }
    const input = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`
    kept = { token: `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`, at: now }
    return kept.token
  }
}

function keyOf(secret: Secret, name: string): KeyObject {
  try {
    // One line with \n in it is how many a platform keeps a PEM in an environment variable.
    const key = createPrivateKey(secret.reveal().replaceAll('\\n', '\n'))
    if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return key
  } catch {
    // The message of OpenSSL is not for the log.
  }
  const detail = `connections.github_app.${name}.private_key is not an RSA key in PEM, as GitHub gives it`
  throw new Failure('internal', { detail })
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
